"""Imports run one way; the package stays light to import; the public face is what the documents
say."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import segment_lab

PACKAGE = Path(segment_lab.__file__).parent
#: From the ground up; a room imports from those on earlier lines. Rooms of one line do not know
# each other.
FLOORS = [
    {"errors"},
    {"config"},
    {"texts"},
    {"window"},
    {"data", "sample"},
    {"customers"},
    {"segments"},
    {"judge", "act"},
    {"receivables", "leads", "contacts"},
    {"schemes"},
    {"study"},
    {"show"},
    {"pages"},
    {"render"},
    {"cli"},
]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
#: A wing's page and pictures stand above study and show; its tables and its segmenter below.
UPSTAIRS = {"page", "pictures", "notes"}
#: Drawing what one already holds: `segmentation.plot()` and its table in JupyterLab. Imported when
# called.
DRAWS = {"segments.segmentation", "study.study"}
#: Arrows of the old house that still point the wrong way: each goes when its room is mended, none
# is added.
NOT_YET: set[tuple[str, str]] = set()


def imports(path: Path) -> set[str]:
    """What a file imports from the package at any place: in functions and for types alone too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.startswith("segment_lab")
        ):
            base = node.module.removeprefix("segment_lab").lstrip(".")
            found |= {f"{base}.{a.name}" if base else a.name for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {
                a.name.removeprefix("segment_lab.")
                for a in node.names
                if a.name.startswith("segment_lab.")
            }
    return found


def floor(module: str) -> float:
    """The height of a module: its room's, or between show and pages for a wing's page and
    pictures."""
    room, _, rest = module.partition(".")
    if room in ("receivables", "leads", "contacts") and rest.split(".")[0] in UPSTAIRS:
        return FLOOR["show"] + 0.5
    return FLOOR[room]


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
    }


def test_every_room_has_a_floor():
    tops = {
        p.stem if p.is_file() else p.name
        for p in PACKAGE.iterdir()
        if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    assert tops - {"__init__", "__main__"} <= set(FLOOR)


def test_imports_run_one_way():
    wrong = []
    for name, path in modules().items():
        if name in ("__init__", "__main__"):
            continue
        for target in imports(path):
            room = target.split(".")[0]
            if room not in FLOOR or room == name.split(".")[0]:
                continue
            draws = name in DRAWS and room == "show"
            if floor(target) >= floor(name) and not draws:
                wrong.append((name, room))
    assert sorted(set(wrong) - NOT_YET) == []


def test_no_modules_import_each_other():
    files = modules()
    needs = {
        name: {
            m
            for found in imports(path)
            for m in (found, found.rpartition(".")[0])
            if m in files
        }
        for name, path in files.items()
    }
    assert len(needs) > 100
    assert {"data.sources", "data.contracts"} <= needs["data.databases"]
    TopologicalSorter(needs).prepare()  # a CycleError names the circle


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_module_can_be_imported_alone():
    names = [
        m.name for m in pkgutil.walk_packages(segment_lab.__path__, "segment_lab.")
    ]
    names = [name for name in names if not name.endswith("__main__")]
    code = (
        "import os, sys\n"
        "for name in sys.argv[1:]:\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        __import__(name)\n"
        "        os._exit(0)\n"
        "    if os.waitpid(child, 0)[1]:\n"
        "        print(name)\n"
    )
    heavy = "import pandas, sklearn, ibis, matplotlib.pyplot, papermill, nbconvert\n"
    done = subprocess.run(
        [sys.executable, "-c", heavy + code, *names],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "names", ["segment_lab", "segment_lab.cli, segment_lab.render.runner"]
)
def test_importing_the_package_or_what_starts_a_run_loads_nothing_heavy(names):
    heavy = ("pandas", "ibis", "sklearn", "matplotlib", "papermill")
    code = f"import sys, {names}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_public_names_are_there():
    assert len(segment_lab.__all__) <= 18
    for name in segment_lab.__all__:
        assert getattr(segment_lab, name).__doc__, name


@pytest.mark.parametrize("drawing", ["seaborn.heatmap(", "hlines("])
def test_heat_maps_and_ranges_are_drawn_in_one_place(drawing):
    drawn = {
        name for name, path in modules().items() if drawing in path.read_text("utf-8")
    }
    assert drawn <= {"show.pictures.shapes"}
