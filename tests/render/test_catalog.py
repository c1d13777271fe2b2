"""The catalogue and the notebooks agree; what is asked for wrongly is refused before a kernel
starts."""

from __future__ import annotations

import json

import pytest

from segment_lab.errors import ConfigError, DataError
from segment_lab.render.catalog import CATALOG, chosen, prepare

from .conftest import write_study

REPORTS = [pytest.param(r, id=r.name) for r in CATALOG.values()]


@pytest.mark.parametrize("report", REPORTS)
def test_parameters_cell_equals_the_schema(report):
    """Names, order-free, and defaults of the cell are those of the options' model."""
    cell = report.cell()
    assert cell.pop("config") == "../configs/sample.yml"
    assert cell.pop("as_of") is None
    fields = {
        name: field
        for model in report.models()
        for name, field in model.model_fields.items()
    }
    required = {n: f for n, f in fields.items() if f.is_required()}
    defaults = {
        n: f.get_default(call_default_factory=True)
        for n, f in fields.items()
        if n not in required
    }
    assert {n: plain(v) for n, v in cell.items() if n not in required} == {
        n: plain(v) for n, v in defaults.items()
    }
    assert all(cell[name] is None for name in required)


def plain(value):
    return json.loads(json.dumps(value, default=str))


@pytest.mark.parametrize("report", REPORTS)
def test_notebooks_are_stored_clean(report):
    content = report.content
    assert (content["nbformat"], content["nbformat_minor"]) >= (4, 5)
    assert all(c.get("id") for c in content["cells"])
    assert all(
        not c.get("outputs") and c.get("execution_count") is None
        for c in content["cells"]
    )
    title, question = report.title_and_question
    assert title
    assert question.endswith((".", "?"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rfn": {"n_bins": 3}}, "did you mean 'rfm'"),
        ({"data": {"x": 1}}, "No report 'data' takes parameters"),
        ({"rfm": {"n_bin": 3}}, "did you mean 'n_bins'"),
        ({"rfm": {"n_bins": "many"}}, "n_bins"),
        ({"rfm": {"n_bins": -1}}, "n_bins"),
        ({"receivables": {"month": 3}}, "did you mean 'months'"),
        ({"receivables": {"notify": "perhaps"}}, "notify"),
        ({"comparison": {"draw": 100}}, "did you mean 'draws'"),
        ({"comparison": {"draws": 1}}, "greater than or equal to 20"),
        ({"strategy": {"holdout_share": 1.5}}, "less than 1"),
    ],
)
def test_wrong_parameters_name_the_right_ones(changes, words, tmp_path):
    with pytest.raises(ConfigError) as caught:
        prepare(str(write_study(tmp_path)), None, changes)
    assert words in str(caught.value)


def test_unknown_report_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'rfm'"):
        chosen(["rmf"])


def test_wrong_day_and_faulty_data_are_refused(tmp_path):
    config = write_study(tmp_path)
    with pytest.raises(ConfigError, match="YYYY-MM-DD"):
        prepare(str(config), "30.06.2026", {})
    (tmp_path / "orders.csv").write_text("customer,order_date,amount\na,2026-01-01,1\n")
    with pytest.raises(DataError, match="customer_id"):
        prepare(str(config), None, {})


def test_parameters_are_resolved_and_reasons_given(place):
    facts = prepare(str(place / "study.yml"), "2026-05-01", {"rfm": {"n_bins": 2}})
    assert facts["parameters"]["rfm"]["n_bins"] == 2
    assert facts["parameters"]["rfm"]["as_of"] == facts["as_of"] == "2026-05-01"
    assert facts["parameters"]["strategy"]["scheme"] is None
    assert facts["tables"] == {"orders": {"read": 60, "accepted": 60, "rejected": 0}}
    assert facts["missing"] == {}
