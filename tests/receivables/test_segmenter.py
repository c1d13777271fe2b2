"""Payment segments: precedence, limits, customers without invoices. The common checks are in
test_common."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segment_lab.errors import ConfigError
from segment_lab.receivables.segmenter import NAMES, ReceivablesSegmenter

# invoices_n, max_days_overdue, disputed_open, mean_days_late
CASES = {
    "prompt": (5, 0, 0, 0),
    "new": (1, 0, 0, np.nan),
    "slow": (5, 0, 0, 30),
    "overdue": (5, 1, 0, 30),
    "disputed": (5, 90, 10, 30),
    "doubtful": (5, 91, 10, 30),
    "none": (np.nan,) * 4,
    "zero": (0, 0, 0, 0),
}
EXPECTED = {
    "prompt": "Prompt",
    "new": "No credit",
    "slow": "Slow",
    "overdue": "Overdue",
    "disputed": "Disputed",
    "doubtful": "Doubtful",
    "none": "No credit",
    "zero": "No credit",
}


def customers(cases: dict[str, tuple[float, ...]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(
        cases,
        orient="index",
        dtype=float,
        columns=["invoices_n", "max_days_overdue", "disputed_open", "mean_days_late"],
    ).rename_axis("customer_id")


def labels(segmenter: ReceivablesSegmenter, table: pd.DataFrame) -> dict[str, str]:
    return segmenter.fit(table).segment(table).labels.astype(str).to_dict()


def test_the_worst_state_wins():
    assert NAMES == ("Prompt", "Slow", "Overdue", "Disputed", "Doubtful", "No credit")
    assert labels(ReceivablesSegmenter(slow_days=10), customers(CASES)) == EXPECTED


def test_limits_are_parameters():
    strict = labels(
        ReceivablesSegmenter(slow_days=10, grace_days=5, doubtful_days=120),
        customers(CASES),
    )
    assert strict["overdue"] == "Slow"  # one day overdue is forgiven
    assert strict["doubtful"] == "Disputed"
    with pytest.raises(ConfigError, match="doubtful_days"):
        ReceivablesSegmenter(doubtful_days=0).fit(customers(CASES))


def test_slow_is_learned_from_customers_with_invoices():
    late = {f"c{i}": (3, 0, 0, i) for i in range(101)} | {
        f"n{i}": (np.nan,) * 4 for i in range(500)
    }
    segmenter = ReceivablesSegmenter(slow_quantile=0.9, prompt_days=365).fit(
        customers(late)
    )
    assert segmenter.slow_days_ == 90
    assert segmenter.segment(customers(late)).sizes().tolist() == [91, 10, 0, 0, 0, 500]
    assert ReceivablesSegmenter().fit(customers({"n": (np.nan,) * 4})).slow_days_ == 0
    # Where everybody pays late, late is not prompt.
    assert ReceivablesSegmenter().fit(customers(late)).slow_days_ == 10


def test_the_limits_in_use_are_told():
    segmenter = ReceivablesSegmenter(slow_days=12, grace_days=3).fit(customers(CASES))
    assert segmenter.describe()["slow_days"] == 12
    assert list(segmenter.meanings()) == list(NAMES)
    assert "12 days" in segmenter.meanings()["Slow"]
    assert "3 days" in segmenter.meanings()["Overdue"]
    assert "> 90" in segmenter.to_sql()
