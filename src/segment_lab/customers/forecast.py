"""What every customer is expected to do next: by the season, and by how the last forecast did.

The model of `predicted` knows no calendar. Here its clock is that of the state rule, on which a day
of a busy month counts more; the days ahead are counted on the same clock. What was forecast one
horizon ago the same way, and came, then moves the level half of the way: bases grow, shrink and
have good quarters, and about half of that lasts (docs/calibration.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from segment_lab.customers.predicted import predict
from segment_lab.customers.states import COLUMNS, StateRule

#: How far the level follows the last forecast's error: 0 not at all, 1 in full.
FOLLOWS = 0.5
#: Fewest expected orders of a last forecast that says something about the level.
ENOUGH_ORDERS = 50
#: So many forecasts of earlier days, one horizon apart, are held against what came.
CHECKED = 4


@dataclass(frozen=True, eq=False)
class LastTime:
    """What was known one horizon ago, and the orders that came since.

    `rule` tells states as of that day, with the season as it is known today; `customers` is the
    table of that day; `came` counts the orders of those customers since.
    """

    rule: StateRule
    customers: pd.DataFrame
    came: float


def forecast(
    customers: pd.DataFrame, rule: StateRule, days: int, last: LastTime | None = None
) -> pd.DataFrame:
    """What every customer of a table is expected to do in the next `days`.

    Parameters
    ----------
    customers : DataFrame
        The customer table; prospects get null.
    rule : StateRule
        Learned on that table, with its model.
    days : int
        The horizon.
    last : LastTime, optional
        The hold-out that moves the level; without it the model's own level stands.

    Returns
    -------
    DataFrame
        ``expected_orders``, ``expected_revenue`` and ``p_active`` by ``customer_id``.
    """
    found = _by_the_clock(customers, rule, days)
    factor = 1.0 if last is None else level(last, days)
    moved = ["expected_orders", "expected_revenue"]
    found[moved] = found[moved] * factor
    return found


def level(last: LastTime, days: int) -> float:
    """What to multiply a forecast by after the last one: half of its error, as a ratio."""
    then = _by_the_clock(last.customers, last.rule, days)
    expected = float(then["expected_orders"].sum())
    if expected < ENOUGH_ORDERS:
        return 1.0
    # Half an order on both sides: nothing that came once is not nothing for ever.
    return ((last.came + 0.5) / (expected + 0.5)) ** FOLLOWS


def usual_errors(check: pd.DataFrame) -> dict[str, float]:
    """How far the forecasts of earlier days were off on average, as a share of what came, for
    ``orders`` and ``revenue`` of all customers together; empty where none was big enough to tell.

    Parameters
    ----------
    check : DataFrame
        ``expected_orders, came_orders, expected_revenue, came_revenue``, a row for each day.
    """
    told = check[check["expected_orders"] >= ENOUGH_ORDERS]
    if told.empty:
        return {}
    errors = {}
    for name in ("orders", "revenue"):
        expected = told[f"expected_{name}"].clip(lower=0.5)
        came = told[f"came_{name}"].clip(lower=0.5)
        errors[name] = float(np.expm1(np.abs(np.log(expected / came)).mean()))
    return {"days": len(told), **errors}


def _by_the_clock(customers: pd.DataFrame, rule: StateRule, days: int) -> pd.DataFrame:
    """The model's own forecast, past and future days counted by the season."""
    buyers = customers[customers["frequency"] > 0]
    read = [*COLUMNS, "monetary_value"]
    counted = rule.measured(buyers[read].astype("float64"))
    found = predict(counted, rule.days_ahead(days), rule.model)
    return found.reindex(customers.index)
