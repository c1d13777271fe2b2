"""What stands in a notebook's parameter cell reaches its method."""

from __future__ import annotations

import pytest

from segment_lab import pages
from segment_lab.render.catalog import CATALOG
from segment_lab.schemes import SCHEMES
from segment_lab.study.config import check_options

SHOWN = [scheme.name for scheme in SCHEMES.values() if scheme.options_on_page]


@pytest.mark.parametrize("name", [name for name in SHOWN if name != "rules"])
def test_a_notebook_as_stored_asks_for_the_defaults(name):
    cell = {**CATALOG[name].cell(), "study": "whatever else stands in a notebook"}
    asked = pages.methods(name, cell)[name]
    assert check_options(name, asked) == check_options(name, {})


def test_a_changed_parameter_arrives():
    cell = {**CATALOG["rfm"].cell(), "n_bins": 3}
    assert pages.methods("rfm", cell)["rfm"]["n_bins"] == 3
    assert pages.options("strategy", CATALOG["strategy"].cell())["horizon_days"] == 90


def test_rules_are_those_of_the_study_file_unless_written_here():
    cell = CATALOG["rules"].cell()
    assert pages.methods("rules", cell) == {}
    written = [{"name": "Large", "when": "revenue > 100"}]
    found = pages.methods("rules", {**cell, "rules": written})
    assert found["rules"]["rules"] == written


def test_a_parameter_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="n_bins"):
        pages.options("rfm", {"value": "revenue"})
