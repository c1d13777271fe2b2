"""The budget: one action per segment under money and hours, exactly, and how much that choice can
be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segment_lab.act.playbook import NOTHING
from segment_lab.errors import ConfigError, DataError, Fault

#: Plans whose values differ by less than a cent count as equal (the solver's own tolerance stays
# below it).
TOLERANCE = 0.01
Limits = Mapping[str, float | None]


@dataclass(frozen=True)
class BudgetPlan:
    """What gets funded, and what would change it.

    Attributes
    ----------
    chosen : DataFrame, index segment
        One action per segment (``Do nothing`` where none pays or fits), ``cost, hours, value``,
        and ``survival``: the share of draws in which the segment gets the same (null without
        draws).
    value, spent, hours : float
        Totals of the plan.
    price_of_money, price_of_hour : float
        Shadow prices of the linear relaxation (segments may be served in part): what one more unit
        of money or one more hour would earn; 0 where the limit does not bind.
    next_funded : str
        What comes next, with the smallest extra money (or else hours) that makes a better plan
        possible.
    proportional_value, regret : float
        Value of spending the plan's money and hours evenly over all customers, on each segment's
        first action, and how much less that is.
    """

    chosen: pd.DataFrame
    value: float
    spent: float
    hours: float
    money_limit: float | None
    hours_limit: float | None
    price_of_money: float
    price_of_hour: float
    next_funded: str
    proportional_value: float
    regret: float


def plan_budget(
    options: pd.DataFrame,
    *,
    money: float | None = None,
    hours: float | None = None,
    draws: np.ndarray | None = None,
) -> BudgetPlan:
    """Choose at most one action per segment: the multiple-choice knapsack, solved exactly by HiGHS.

    Parameters
    ----------
    options : DataFrame
        A row per segment and action: ``segment, action, cost`` (money for the whole segment),
        ``hours, value`` (expected money, cost already taken off), optionally ``allowed`` (only
        those may be chosen). Doing nothing (cost 0, value 0) always may. A segment's first row
        counts as its standard action.
    money, hours, draws : float, float, ndarray of shape (options, D), optional
        Limits (None: unlimited), and posterior draws of ``value``; the plan is solved again on
        each.
    """
    everything, limits = _checked(options, money, hours), {"cost": money, "hours": hours}
    allowed = everything["allowed"].to_numpy(bool)
    names = pd.Index(everything["segment"].unique(), name="segment")
    rows = everything[allowed].reset_index(drop=True)
    picked = _solve(rows, rows["value"].to_numpy(), limits)
    chosen = rows[picked].set_index("segment")[["action", "cost", "hours", "value"]].reindex(names)
    chosen = chosen.fillna({"action": NOTHING, "cost": 0.0, "hours": 0.0, "value": 0.0})
    chosen["survival"] = (
        np.nan if draws is None else _survival(rows, picked, draws[allowed], limits, names)
    )
    value, spent, time = (float(chosen[c].sum()) for c in ("value", "cost", "hours"))
    proportional = _proportional(everything, {"cost": spent, "hours": time})
    return BudgetPlan(
        chosen,
        value,
        spent,
        time,
        money,
        hours,
        *_shadow_prices(rows, limits),
        _next_funded(rows, picked, limits),
        proportional,
        value - proportional,
    )


def _checked(options: pd.DataFrame, money: float | None, hours: float | None) -> pd.DataFrame:
    for name, limit in (("money", money), ("hours", hours)):
        if limit is not None and not limit >= 0:
            raise ConfigError(f"{name} must be at least 0, got {limit}.")
    faults = [
        Fault(c, "is missing", "Pass the options that strategy.decide returns")
        for c in ("segment", "action", "cost", "hours", "value")
        if c not in options
    ]
    if not faults:
        may = (
            options["allowed"].astype(bool)
            if "allowed" in options
            else pd.Series(True, index=options.index)
        )
        # What may not be chosen need not have a value; it then counts as nothing in the comparison.
        options = options.assign(
            allowed=may, value=options["value"].where(may | np.isfinite(options["value"]), 0.0)
        )
        numbers = options[["cost", "hours", "value"]].astype("float64")
        if not np.isfinite(numbers).all(axis=None) or (numbers[["cost", "hours"]] < 0).any(
            axis=None
        ):
            faults.append(Fault("cost, hours, value", "must be finite, cost and hours not below 0"))
        if options.duplicated(["segment", "action"]).any():
            faults.append(Fault("segment, action", "appear more than once"))
    if faults:
        raise DataError("These options cannot be planned", faults)
    return options.reset_index(drop=True)


def _constraints(rows: pd.DataFrame, limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """A·x ≤ b: at most one action per segment, then the limits that were given."""
    groups = pd.get_dummies(rows["segment"], dtype=float).to_numpy().T
    given = [(rows[c].to_numpy(float), limit) for c, limit in limits.items() if limit is not None]
    return np.vstack([groups, *(costs for costs, _ in given)]), np.array(
        [1.0] * len(groups) + [b for _, b in given]
    )


def _solve(rows: pd.DataFrame, value: np.ndarray, limits: Limits) -> np.ndarray:
    """The rows of the best plan, as a mask."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    if not (value > 0).any():
        return np.zeros(len(rows), dtype=bool)
    a, b = _constraints(rows, limits)
    found = milp(
        -value,
        constraints=LinearConstraint(a, -np.inf, b),
        integrality=np.ones(len(rows)),
        bounds=Bounds(0, np.where(value > 0, 1, 0)),
        options={"mip_rel_gap": 0.0},
    )
    return np.round(found.x).astype(bool)


def _survival(
    rows: pd.DataFrame, picked: np.ndarray, draws: np.ndarray, limits: Limits, names: pd.Index
) -> np.ndarray:
    segment = names.get_indexer(pd.Index(rows["segment"]))

    def choice(mask: np.ndarray) -> np.ndarray:
        out = np.full(len(names), -1)
        out[segment[mask]] = np.flatnonzero(mask)
        return out

    return np.mean([choice(_solve(rows, d, limits)) == choice(picked) for d in draws.T], axis=0)


def _shadow_prices(rows: pd.DataFrame, limits: Limits) -> tuple[float, float]:
    from scipy.optimize import linprog

    if rows.empty:
        return 0.0, 0.0
    a, b = _constraints(rows, limits)
    found = linprog(-rows["value"].to_numpy(float), A_ub=a, b_ub=b, bounds=(0, 1), method="highs")
    duals = iter(-found.ineqlin.marginals[rows["segment"].nunique() :])
    prices = [float(next(duals)) + 0.0 if limits[c] is not None else 0.0 for c in ("cost", "hours")]
    return prices[0], prices[1]


def _next_funded(rows: pd.DataFrame, picked: np.ndarray, limits: Limits) -> str:
    """The smallest extra money (or else hours) with which a better plan exists, and what it would
    add."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    value = rows["value"].to_numpy(float)
    better = value[picked].sum() + max(TOLERANCE, 1e-5 * abs(value[picked].sum()))
    for column, unit in (("cost", "more money"), ("hours", "more hours")):
        limit = limits[column]
        if limit is None or not (value > 0).any():
            continue
        a, b = _constraints(rows, {**limits, column: None})
        found = milp(
            rows[column].to_numpy(float),
            integrality=np.ones(len(rows)),
            bounds=Bounds(0, 1),
            constraints=[LinearConstraint(a, -np.inf, b), LinearConstraint(value, better, np.inf)],
            options={"mip_rel_gap": 0.0},
        )
        if found.success:
            added = rows[np.round(found.x).astype(bool) & ~picked]
            names = ", ".join(
                f"{s}: {a}" for s, a in zip(added["segment"], added["action"], strict=True)
            )
            return f"{names} (with {max(found.fun - limit, 0):,.2f} {unit})"
    return ""


def _proportional(rows: pd.DataFrame, spent: Mapping[str, float]) -> float:
    """The same share of every segment gets its first action, as far as money and hours go."""
    first = rows.drop_duplicates("segment")
    shares = [b / first[c].sum() for c, b in spent.items() if first[c].sum() > 0]
    return float(first["value"].sum() * min([1.0, *shares]))
