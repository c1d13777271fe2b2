"""The judgements that come with the package, as data: grids, tiers, classes, playbooks,
receivables."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml

#: Safe as ``yaml.safe_load``, in C where the library was built with it: a tenth of the time.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(text: str) -> Any:
    """What a YAML text of this package says."""
    return yaml.load(text, LOADER)


@cache
def packaged(name: str) -> Any:
    """What ``<name>.yml`` holds, for example ``rfm/quintiles``; it is shared, so nobody may change
    it."""
    file = resources.files(__name__).joinpath(f"{name}.yml")
    return read(file.read_text("utf-8"))


def names(folder: str) -> list[str]:
    """The files of a folder, without their endings."""
    return sorted(
        f.name.removesuffix(".yml")
        for f in resources.files(__name__).joinpath(folder).iterdir()
        if f.name.endswith(".yml")
    )
