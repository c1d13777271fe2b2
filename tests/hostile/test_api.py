"""What an analyst may hand over by mistake, at every public name: refused in words that say what
came, what was expected, and the nearest name."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import segment_lab as sl
from segment_lab.errors import SegmentLabError

N = 60
IDS = [f"c{i}" for i in range(N)]
RNG = np.random.default_rng(1)
TABLE = pd.DataFrame(
    {
        "recency_days": RNG.integers(1, 400, N),
        "tenure_days": 400,
        "frequency": RNG.integers(1, 9, N),
        "revenue": RNG.gamma(2, 90, N).round(2),
    },
    pd.Index(IDS, name="customer_id"),
)
TABLE["monetary_value"] = TABLE["revenue"] / TABLE["frequency"]
SPENT = pd.Series(RNG.gamma(1, 50, N), TABLE.index)
OUTCOMES = pd.DataFrame({"future_revenue": SPENT, "future_orders": 1})
TRIAL = pd.DataFrame({"treated": np.arange(N) % 2, "money": SPENT})
LOG = pd.DataFrame({"customer_id": ["a"], "order_date": ["2026-01-01"], "amount": [5]})
ENTRY = dict.fromkeys(
    (
        "segment",
        "action",
        "kind",
        "channel",
        "kpi",
        "guardrail",
        "rationale",
        "source",
        "assumption",
    ),
    "x",
)
PLAN = pd.DataFrame(
    {"segment": ["A"], "action": ["Call"], "cost": [6], "hours": [2], "value": [9]}
)
RULES = [{"name": "A", "when": "revenue > 5"}]
MINE = sl.Segmentation.from_labels(pd.Series(["x", "y"] * (N // 2), IDS))
OTHERS = sl.Segmentation.from_labels({"q": "x"})
BOOK = sl.Playbook.from_data([ENTRY])


def rfm(table=TABLE, **options):
    return sl.RFMSegmenter(**options).fit(table)


def study(**more):
    return sl.Study.from_frames({"orders": LOG}, **more)


#: What is done, and what the error must say of it.
MISTAKES = {
    # Options of segmenters.
    "a text for a number": (
        lambda: rfm(n_bins="3"),
        "n_bins: .*valid integer, got '3'",
    ),
    "a flag for a number": (lambda: sl.ClusterSegmenter(k=True).fit(TABLE), "k: "),
    "two wrong options": (
        lambda: rfm(n_bins="3", value="profit"),
        "(?s)value: .*'profit'.*n_bins|n_bins.*value: .*'profit'",
    ),
    "no grid": (lambda: rfm(grid=5), "grid: .*string or .*dictionary, got 5"),
    "a misspelt option": (
        lambda: sl.RFMSegmenter(n_bin=3),
        "no argument 'n_bin'; did you mean 'n_bins'",
    ),
    "too many options": (lambda: sl.EngagementSegmenter(1, 2), "too many"),
    "no rules": (lambda: sl.RuleSegmenter(), "RuleSegmenter .*(?s:.*)'rules'"),
    "a mapping of rules": (
        lambda: sl.RuleSegmenter({"A": "revenue > 5"}).fit(TABLE),
        r"rules: .*got \{'A'.*For example \[\{",
    ),
    "one text of rules": (
        lambda: sl.RuleSegmenter("revenue > 5").fit(TABLE),
        "a list, not one text, got 'revenue > 5'. For example",
    ),
    "a misspelt key of a rule": (
        lambda: sl.RuleSegmenter([{"name": "A", "whne": "x"}]).fit(TABLE),
        "rules.0.whne: is not known; did you mean 'when'",
    ),
    "the columns of no rules": (lambda: sl.RuleSegmenter("x").columns, "rules: "),
    "one feature as a text": (
        lambda: sl.ResponseSegmenter("frequency").fit(TABLE, TRIAL),
        "features: ",
    ),
    # Customer tables.
    "no table": (lambda: rfm(None), "got None"),
    "a list": (lambda: sl.TreeSegmenter().fit([1], SPENT), r"got \[1\]"),
    "an empty table": (lambda: rfm(TABLE.head(0)), "there are none"),
    "a misspelt column": (
        lambda: rfm(TABLE.rename(columns={"revenue": "revenu"})),
        "revenue: is missing .did you mean 'revenu'",
    ),
    "texts for numbers": (
        lambda: rfm(TABLE.astype({"revenue": str})),
        "revenue: holds no numbers but str; for example",
    ),
    "days for numbers": (
        lambda: sl.ABCSegmenter().fit(TABLE.assign(revenue=pd.Timestamp("2026-01-01"))),
        "revenue: holds no numbers but datetime",
    ),
    "endless numbers": (
        lambda: sl.ClusterSegmenter().fit(TABLE.assign(revenue=np.inf)),
        "revenue: is infinite .60 rows.",
    ),
    "texts in predict": (
        lambda: rfm().predict(TABLE.assign(recency_days="soon")),
        "recency_days: holds no numbers",
    ),
    "a column twice": (
        lambda: rfm(pd.concat([TABLE, TABLE[["revenue"]]], axis=1)),
        "revenue: is there more than once",
    ),
    "ids twice": (lambda: rfm(pd.concat([TABLE, TABLE])), "is not unique"),
    "ids in a column": (
        lambda: rfm(TABLE.reset_index()),
        "customer_id is a column",
    ),
    "several levels": (
        lambda: rfm(TABLE.set_index("tenure_days", append=True)),
        "several levels",
    ),
    "an empty id": (lambda: rfm(TABLE.set_axis([None, *IDS[1:]])), "empty ids"),
    # Before fit.
    "predict before fit": (
        lambda: sl.RFMSegmenter().predict(TABLE),
        "RFMSegmenter has learned nothing yet",
    ),
    "scores before fit": (lambda: sl.RFMSegmenter().scores(TABLE), "learned nothing"),
    "meanings before fit": (lambda: sl.ClusterSegmenter().meanings(), "nothing yet"),
    "columns read before fit": (lambda: sl.ABCSegmenter().reads, "nothing yet"),
    "truth before fit": (lambda: sl.RuleSegmenter(RULES).truth(TABLE), "nothing yet"),
    "value before fit": (lambda: sl.ResponseSegmenter().value(1), "nothing yet"),
    # SQL.
    "a misspelt dialect": (
        lambda: rfm().to_sql(dialect="snowflak"),
        "did you mean 'snowflake'",
    ),
    "no name of a table": (lambda: rfm().to_sql(5), "table: .*str or Table, got 5"),
    "a window as a text": (
        lambda: rfm().to_sql(window="2026"),
        "window: .*ObservationWindow.* got '2026'",
    ),
    # What followed.
    "too few outcomes": (
        lambda: sl.TreeSegmenter().fit(TABLE, [1, 2]),
        "58 are missing",
    ),
    "outcomes in words": (
        lambda: sl.TreeSegmenter().fit(TABLE, SPENT.map(str)),
        "y: holds no numbers",
    ),
    "outcomes twice": (
        lambda: sl.TreeSegmenter().fit(TABLE, pd.concat([SPENT, SPENT])),
        "is not unique",
    ),
    "a table of outcomes": (
        lambda: sl.TreeSegmenter().fit(TABLE, OUTCOMES),
        "y: .*got pandas DataFrame",
    ),
    "no arms": (
        lambda: sl.ResponseSegmenter().fit(TABLE, TRIAL.assign(treated="yes")),
        "treated: should be yes or no",
    ),
    "money in words": (
        lambda: sl.ResponseSegmenter().fit(TABLE, TRIAL.assign(money="x")),
        "money: holds no numbers",
    ),
    "a chance above 1": (
        lambda: sl.ResponseSegmenter().fit(TABLE, TRIAL.assign(probability=5)),
        "probability: should lie between 0 and 1",
    ),
    # customer_table and the window.
    "no orders": (lambda: sl.customer_table(5), "5 cannot be read as a table"),
    "orders without columns": (
        lambda: sl.customer_table(pd.DataFrame()),
        "has no columns",
    ),
    "orders with a column twice": (
        lambda: sl.customer_table(pd.concat([LOG, LOG], axis=1)),
        "cannot be read as a table: .*uplicate",
    ),
    "no day": (lambda: sl.customer_table(LOG, pd.NaT), "as_of: NaT is not a date"),
    "a list of columns": (
        lambda: sl.customer_table(LOG, columns=["amount"]),
        "columns: ",
    ),
    "a window of no days": (lambda: sl.ObservationWindow(pd.NaT, pd.NaT), "NaT is not"),
    # Segmentation.
    "codes of a frame": (lambda: sl.Segmentation(TABLE, ("a",), "m"), "codes: "),
    "names in one text": (
        lambda: sl.Segmentation.from_labels({"c": "x"}, names="x"),
        "names: .*got 'x'",
    ),
    "a status in words": (
        lambda: sl.Segmentation(pd.Series([0]), ("a",), "m", status="good"),
        "status: should be a Status",
    ),
    "labels of a set": (lambda: sl.Segmentation.from_labels({"a", "b"}), "labels: "),
    "a misspelt argument of labels": (
        lambda: sl.Segmentation.from_labels({"c": "x"}, windw=None),
        "did you mean 'window'",
    ),
    "an unknown segment": (lambda: MINE["z"], "There is no segment 'z': Valid names"),
    "a profile of words": (
        lambda: MINE.profile(TABLE.assign(revenue="1")),
        "revenue: holds no numbers",
    ),
    "a profile of twins": (
        lambda: MINE.profile(pd.concat([TABLE, TABLE])),
        "is not unique",
    ),
    "migration from nothing": (lambda: MINE.migration(None), "earlier: .*got None"),
    "alignment with nothing": (lambda: MINE.align(None), "customers: .*got None"),
    # Scorecard.
    "nothing to judge": (lambda: sl.scorecard(None, OUTCOMES), "segmentations: "),
    "labels instead of segments": (
        lambda: sl.scorecard({"a": MINE.labels}, OUTCOMES),
        "a: should be a Segmentation, got pandas Series",
    ),
    "customers of others": (
        lambda: sl.scorecard({"a": MINE, "b": OTHERS}, OUTCOMES),
        "nothing in common",
    ),
    "outcomes misspelt": (
        lambda: sl.scorecard(
            [MINE], OUTCOMES.rename(columns={"future_revenue": "future_revenu"})
        ),
        "future_revenue: is missing .did you mean 'future_revenu'",
    ),
    "outcomes as texts": (
        lambda: sl.scorecard([MINE], OUTCOMES.astype(str)),
        "future_revenue: holds no numbers",
    ),
    "draws as a text": (lambda: sl.scorecard([MINE], OUTCOMES, draws="9"), "draws: "),
    "no draws": (lambda: sl.scorecard([MINE], OUTCOMES, draws=0), "draws: .*got 0"),
    "a background in words": (
        lambda: sl.scorecard([MINE], OUTCOMES, "x"),
        "background: ",
    ),
    "a misspelt argument": (
        lambda: sl.scorecard([MINE], OUTCOMES, drwas=9),
        "did you mean 'draws'",
    ),
    # The budget.
    "negative money": (lambda: sl.plan_budget(PLAN, money=-1), "money: .*got -1"),
    "money and hours in words": (
        lambda: sl.plan_budget(PLAN, money="5", hours="x"),
        "(?s)hours: .*money: .*got '5'|money: .*got '5'.*hours: ",
    ),
    "endless money": (lambda: sl.plan_budget(PLAN, money=np.inf), "money: .*got inf"),
    "no options": (lambda: sl.plan_budget(None), "options: .*DataFrame, got None"),
    "costs as texts": (
        lambda: sl.plan_budget(PLAN.astype({"cost": str})),
        "cost: holds no numbers",
    ),
    "allowed in words": (
        lambda: sl.plan_budget(PLAN.assign(allowed="no")),
        "allowed: should be yes or no",
    ),
    "draws of other options": (
        lambda: sl.plan_budget(PLAN, draws=np.ones((2, 5))),
        r"each of the 1 options .*shape \[2, 5\]",
    ),
    # The playbook.
    "no packaged playbook": (lambda: sl.Playbook.packaged("rfn"), "mean 'rfm'"),
    "no path": (lambda: sl.Playbook.from_yaml(None), "path: .*got None"),
    "entries of a frame": (
        lambda: sl.Playbook.from_data(pd.DataFrame([ENTRY])),
        "data: should be a list or tuple, got pandas DataFrame",
    ),
    "entries in words": (lambda: sl.Playbook("x"), "entries: "),
    "entries that are none": (lambda: sl.Playbook((ENTRY,)), "entries.0: .*Entry"),
    "an unknown segment of a playbook": (
        lambda: sl.Playbook.from_data([{**ENTRY, "segment": "Champion"}]).check(
            ["Champions"]
        ),
        "did you mean 'Champions'",
    ),
    "segments in one text": (lambda: BOOK.check("x"), "names: .*a list, not one text"),
    "no costs": (lambda: BOOK.with_costs(None), "costs: "),
    "costs without an action": (
        lambda: BOOK.with_costs(PLAN[["cost"]]),
        "action: is missing",
    ),
    "costs below zero": (
        lambda: BOOK.with_costs(
            pd.DataFrame({"action": ["x"], "cost_per_contact": [-2.0]})
        ),
        "must not be below 0",
    ),
    # The study and the run.
    "no study file": (lambda: sl.Study.from_yaml(None), "path: .*got None"),
    "methods in words": (
        lambda: sl.Study.from_yaml("x.yml", methods="rfm"),
        "methods: .*got 'rfm'",
    ),
    "days in words": (lambda: study().outcomes("90"), "days: .*got '90'"),
    "no days": (lambda: study().outcomes(0), "days: .*got 0"),
    "a yes for a flag": (lambda: study().customers("yes"), "prospects: "),
    "a misspelt flag": (
        lambda: study().customers(prospect=True),
        "did you mean 'prospects'",
    ),
    "an unknown method": (lambda: study().segmentation("rfn"), "did you mean 'rfm'"),
    "a source that is none": (
        lambda: study().to_sql("rfm", source="order"),
        "source: .*'orders' or 'customers', got 'order'",
    ),
    "segments judged in words": (lambda: study().scorecard(own="x"), "own: "),
    "one report as a text": (
        lambda: sl.run_study("x.yml", only="rfm"),
        "only: should be a list or tuple.* got 'rfm'",
    ),
    "jobs in words": (lambda: sl.run_study("x.yml", jobs="2"), "jobs: .*got '2'"),
    "no folder": (lambda: sl.run_study("x.yml", out=None), "out: .*got None"),
    "an unknown engine": (
        lambda: sl.run_study("x.yml", engine="kernl"),
        "did you mean 'kernel'",
    ),
    "an unknown option of a run": (
        lambda: sl.run_study("x.yml", ouput="x"),
        "did you mean 'out'",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused_in_words_by_an_error_of_the_usual_kind(name):
    make, said = MISTAKES[name]
    with pytest.raises((ValueError, TypeError), match=said) as caught:
        make()
    assert isinstance(caught.value, SegmentLabError | NotFittedError)
    assert "Traceback" not in str(caught.value)
    assert " at 0x" not in str(caught.value)


def test_a_frame_of_another_library_is_named_with_its_library():
    theirs = type("DataFrame", (), {"__module__": "polars.dataframe.frame"})
    with pytest.raises(TypeError, match="got polars DataFrame"):
        rfm(theirs())


def test_a_public_name_that_is_none_is_told_with_the_nearest():
    with pytest.raises(AttributeError, match="did you mean 'RFMSegmenter'"):
        sl.RFMSegmentor  # noqa: B018


@pytest.mark.parametrize("language", ["ru", "pl"])
def test_every_mistake_is_told_in_other_languages_too(language):
    from segment_lab.texts import speaking

    with speaking(language):
        for make, _ in MISTAKES.values():
            with pytest.raises((ValueError, TypeError)) as caught:
                make()
            assert "Input should" not in str(caught.value)


SEGMENTERS = [
    sl.RFMSegmenter,
    sl.ABCSegmenter,
    sl.LifecycleSegmenter,
    sl.ClusterSegmenter,
    sl.TreeSegmenter,
    sl.ResponseSegmenter,
    sl.ReceivablesSegmenter,
    sl.EngagementSegmenter,
]


@pytest.mark.parametrize("segmenter", SEGMENTERS)
def test_values_are_looked_at_by_fit_and_not_before(segmenter):
    names = list(inspect.signature(segmenter).parameters)
    made = segmenter(**dict.fromkeys(names, "?"))
    assert clone(made).get_params() == dict.fromkeys(names, "?")
    with pytest.raises(ValueError, match=names[0]):
        made.fit(TABLE, SPENT)


@pytest.mark.parametrize("segmenter", SEGMENTERS)
def test_the_signature_is_shown_as_it_is_written(segmenter):
    shown = inspect.signature(segmenter)
    assert "args" not in shown.parameters
    assert all(each.default is not each.empty for each in shown.parameters.values())


def test_numbers_of_other_libraries_are_numbers():
    bins, plain = rfm(n_bins=np.int64(3)), rfm(n_bins=3)
    assert (bins.predict(TABLE) == plain.predict(TABLE)).all()
    money = TABLE["revenue"].astype(object)
    assert (plain.predict(TABLE.assign(revenue=money)) == plain.predict(TABLE)).all()
