"""What an analyst types: names that are nearly right, names that Tab offers."""

from __future__ import annotations

from pathlib import Path

import jedi
import pandas as pd
import pytest
from parso.grammar import Grammar

import segment_lab as sl
from segment_lab.errors import ConfigError
from segment_lab.schemes import SCHEMES


@pytest.fixture(scope="module")
def orders():
    days = pd.date_range("2025-01-01", periods=60, freq="5D")
    customers = [f"c{i % 13}" for i in range(60)]
    return pd.DataFrame(
        {"customer_id": customers, "order_date": days, "amount": range(1, 61)}
    )


@pytest.fixture(scope="module")
def study(orders):
    return sl.Study.from_frames({"orders": orders}, as_of="2026-01-01")


@pytest.mark.parametrize(
    "ask", ["segmentation", "population", "segmenter", "missing", "fitted"]
)
def test_a_name_that_is_nearly_right_names_the_right_one(study, ask):
    with pytest.raises(ConfigError, match="did you mean 'rfm'"):
        getattr(study, ask)("rmf")


def test_a_scheme_is_an_attribute(study):
    assert study.abc is study.segmentation("abc")
    with pytest.raises(AttributeError, match="no attribute 'acb'"):
        _ = study.acb


def test_tab_offers_public_names_and_the_schemes(study):
    offered = dir(study)
    assert not [name for name in offered if name.startswith("_")]
    assert {"customers", "at", "segmentation", *SCHEMES} <= set(offered)
    assert set(dir(sl)) == {*sl.__all__, *sl.ROOMS}
    assert set(dir(sl.show)) == set(sl.show.__all__)


def test_tab_reads_one_file_and_computes_nothing(orders, monkeypatch):
    fresh = sl.Study.from_frames({"orders": orders})
    parse, files = Grammar.parse, set()

    def noted(self, code=None, *, path=None, **options):
        files.add(path)
        return parse(self, code, path=path, **options)

    monkeypatch.setattr(Grammar, "parse", noted)
    # What a kernel asks when somebody presses Tab: the names, and of what type each is.
    offered = jedi.Interpreter("study.", [{"study": fresh}]).complete()
    found = {each.name: each.type for each in offered}
    # Types are written down, so Jedi follows none into pandas or the engine, which takes seconds.
    read = {Path(path).name for path in files if path is not None}
    assert read <= {"study.py"}
    assert {"segmentation", "rfm", "customers"} <= set(found)
    assert fresh._kept == {}
