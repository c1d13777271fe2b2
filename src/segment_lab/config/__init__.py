"""The judgements that come with the package, as data: grids, tiers, classes, playbooks,
receivables."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml


@cache
def packaged(name: str) -> Any:
    """What ``<name>.yml`` holds, for example ``rfm/quintiles``; it is shared, so nobody may change
    it."""
    return yaml.safe_load(
        resources.files(__name__).joinpath(f"{name}.yml").read_text("utf-8")
    )


def names(folder: str) -> list[str]:
    """The files of a folder, without their endings."""
    return sorted(
        f.name.removesuffix(".yml")
        for f in resources.files(__name__).joinpath(folder).iterdir()
        if f.name.endswith(".yml")
    )
