"""Imports run one way; the package stays light to import; the public face is what the documents say."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import segment_lab

PACKAGE = Path(segment_lab.__file__).parent
LAYERS = [
    {"errors", "window", "files"}, {"engine", "display", "formatting", "expressions"}, {"contracts"},
    {"sources", "databases", "sampledata", "features", "guess", "intake"}, {"segmentation"}, {"segmenters"},
    {"evaluation", "strategy"}, {"plots"}, {"study_config", "study_data", "warehouse", "study"},
    {"data_report", "decision_report", "engagement_report", "one_table"}, {"reporting"}, {"cli"},
]
LEVEL = {name: i for i, names in enumerate(LAYERS) for name in names}
# Look and format of pictures and numbers know nothing of the domain; any layer may use them.
FREE = {"plots.style"}


def imports(path: Path) -> set[str]:
    """What a file imports from the package at any place: in functions and for types alone too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("segment_lab"):
            base = node.module.removeprefix("segment_lab").lstrip(".")
            found |= {f"{base}.{a.name}" if base else a.name for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix("segment_lab.") for a in node.names if a.name.startswith("segment_lab.")}
    return found


def test_every_module_has_a_layer():
    tops = {p.stem if p.is_file() else p.name for p in PACKAGE.iterdir()
            if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert tops - {"__init__", "__main__", "config"} == set(LEVEL)


def test_imports_run_one_way():
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        here = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if here in ("__init__", "__main__"):
            continue
        for name in imports(path):
            there = name.split(".")[0]
            free = any(name.startswith(f) for f in FREE) or there in ("config", "code_fingerprint", "__version__")
            if not free and there in LEVEL and LEVEL[there] > LEVEL[here]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert wrong == []


def test_no_modules_import_each_other():
    files = {".".join(p.relative_to(PACKAGE).with_suffix("").parts): p for p in PACKAGE.rglob("*.py")}
    needs = {name: {m for found in imports(path) for m in (found, found.rpartition(".")[0]) if m in files}
             for name, path in files.items()}
    assert len(needs) > 100
    assert {"sources", "contracts"} <= needs["databases"]
    TopologicalSorter(needs).prepare()  # a CycleError names the circle


def test_importing_the_package_loads_nothing_heavy():
    heavy = ("pandas", "ibis", "sklearn", "matplotlib")
    code = f"import sys, segment_lab; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names_are_there():
    assert len(segment_lab.__all__) == 15
    for name in segment_lab.__all__:
        assert getattr(segment_lab, name).__doc__, name


def test_modules_stay_readable():
    long = {str(p.relative_to(PACKAGE)): n for p in PACKAGE.rglob("*.py")
            if (n := len(p.read_text(encoding="utf-8").splitlines())) > 480}
    assert long == {}
