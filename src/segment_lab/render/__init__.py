"""How reports are rendered unattended: executed by papermill, rendered by nbconvert, published in
one step."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segment_lab.render.runner import RunResult, run_study

__all__ = ["RunResult", "run_study"]
# nbformat's schema check brings a grammar of web addresses that it builds at import and no notebook
# needs: a second for every run. Named absent, the check goes without.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from segment_lab.render import runner

        return getattr(runner, name)
    raise AttributeError(f"segment_lab.render has no {name!r}")
