"""How reports are rendered unattended: executed by papermill, rendered by nbconvert, published in
one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segment_lab.render.runner import RunResult, run_study

__all__ = ["RunResult", "run_study"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from segment_lab.render import runner

        return getattr(runner, name)
    raise AttributeError(f"segment_lab.render has no {name!r}")
