"""The budget: the best actions under money and hours, exactly, and how much that choice can be
trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from segment_lab.act.playbook import NOTHING
from segment_lab.data.arguments import Amount, checked
from segment_lab.data.columns import column_faults
from segment_lab.errors import DataError, Fault
from segment_lab.texts import say

#: Plans whose values differ by less than a cent count as equal (the solver's own tolerance stays
#: below it).
TOLERANCE = 0.01
#: What is limited: the column of the options and its name.
RESOURCES = {"cost": "money", "hours": "hours"}
Limits = Mapping[str, float | None]


class Next(NamedTuple):
    """What comes next when a limit is raised: the actions added by segment, which limit, and the
    smallest raise."""

    added: tuple[tuple[str, str], ...]
    resource: str
    extra: float


@dataclass(frozen=True)
class BudgetPlan:
    """What gets funded, and what would change it.

    Attributes
    ----------
    chosen : DataFrame
        The funded row of every group (index: the group, a segment by default): ``segment, action,
        cost, hours, value``, and ``survival``: the share of draws in which the group gets the same
        (null without draws, and where nothing may be chosen). ``Do nothing`` where none pays or
        fits.
    picked : ndarray of bool
        The funded rows of the options.
    value, spent, hours : float
        Totals of the plan.
    price_of_money, price_of_hour : float
        Shadow prices of the linear relaxation (segments may be served in part): what one more unit
        of money or one more hour would earn; 0 where the limit does not bind.
    next_funded : Next or None
        What comes next, with the smallest extra money (or else hours) that makes a better plan
        possible.
    rivals : dict
        Value of the same money and hours spent otherwise: ``nobody``, ``everybody`` (each
        segment's first action), ``email`` (to everybody who may get one), ``proportional`` (evenly
        on what may be chosen).
    """

    chosen: pd.DataFrame
    picked: np.ndarray
    value: float
    spent: float
    hours: float
    price_of_money: float
    price_of_hour: float
    next_funded: Next | None
    rivals: dict[str, float]


@checked
def plan_budget(
    options: pd.DataFrame,
    *,
    money: Amount | None = None,
    hours: Amount | None = None,
    draws: np.ndarray | None = None,
) -> BudgetPlan:
    """Choose at most one row per group: the multiple-choice knapsack, solved exactly by HiGHS.

    Parameters
    ----------
    options : DataFrame
        A row per segment and action: ``segment, action, cost`` (money for the whole segment),
        ``hours, value`` (expected money, cost already taken off), optionally ``allowed`` (only
        those may be chosen), ``group`` (of which one may be chosen; default: the segment), and
        ``kind``, ``worth`` (what its contacts bring) and ``to_all`` (what contacting everybody
        would) for the rivals. Doing nothing always may.
    money, hours, draws : float, float, ndarray of shape (options, D), optional
        Limits (None: unlimited), and draws of ``value``; the plan is solved again on each.

    Examples
    --------
    >>> rows = pd.DataFrame({"segment": ["A", "A", "B"], "action": ["Call", "Mail", "Mail"],
    ...                      "cost": [60, 5, 5], "hours": [2, 0, 0], "value": [90, 40, -3]})
    >>> plan_budget(rows, money=50).chosen["action"].tolist()
    ['Mail', 'Do nothing']
    """
    everything = _checked(options, draws)
    limits = {"cost": money, "hours": hours}
    allowed = everything["allowed"].to_numpy(bool)
    groups = pd.Index(
        everything["group"].unique(), name="group" if "group" in options else "segment"
    )
    rows = everything[allowed].reset_index(drop=True)
    picked = _solve(rows, rows["value"].to_numpy(), limits)

    columns = ["segment", "action", "cost", "hours", "value"]
    chosen = rows[picked].set_index("group")[columns].reindex(groups)
    chosen["segment"] = everything.groupby("group", sort=False)["segment"].first()
    chosen = chosen.fillna(
        {
            "action": NOTHING,
            "cost": 0.0,
            "hours": 0.0,
            "value": 0.0,
        }
    )
    chosen["survival"] = np.nan
    if draws is not None:
        chosen["survival"] = _survival(rows, picked, draws[allowed], limits, groups)

    mask = np.zeros(len(everything), dtype=bool)
    mask[np.flatnonzero(allowed)[picked]] = True
    value, spent, time = (
        float(chosen[column].sum()) for column in ("value", "cost", "hours")
    )
    price_of_money, price_of_hour = _shadow_prices(rows, limits)
    return BudgetPlan(
        chosen=chosen,
        picked=mask,
        value=value,
        spent=spent,
        hours=time,
        price_of_money=price_of_money,
        price_of_hour=price_of_hour,
        next_funded=_next_funded(rows, picked, limits),
        rivals=_rivals(everything, {"cost": spent, "hours": time}),
    )


def _checked(options: pd.DataFrame, draws: np.ndarray | None) -> pd.DataFrame:
    figures = ["cost", "hours", "value"]
    figures += [name for name in ("worth", "to_all") if name in options]
    names = ["segment", "action", *(["group"] if "group" in options else [])]
    faults = column_faults(
        options,
        [*names, *figures],
        nullable=figures[2:],
        numbers=figures[:2],
        remedy=say("decision.budget.missing_hint"),
    )
    if "allowed" in options and not options["allowed"].isin([0, 1]).all():
        faults.append(Fault("allowed", say("decision.budget.not_allowed")))
    if draws is not None and (draws.ndim != 2 or len(draws) != len(options)):
        problem = say(
            "decision.budget.draws", rows=len(options), shape=list(draws.shape)
        )
        faults.append(Fault("draws", problem))
    if faults:
        raise DataError(say("decision.budget.faults"), faults)
    out = options.reset_index(drop=True)
    out["allowed"] = out["allowed"].astype(bool) if "allowed" in out else True
    out["group"] = out["group"] if "group" in out else out["segment"]
    out["worth"] = out["worth"] if "worth" in out else out["value"]
    out["to_all"] = (
        out["to_all"].fillna(0.0) if "to_all" in out else out["worth"].fillna(0.0)
    )
    # What may not be chosen need not have a value; it then counts as nothing in the comparison.
    for column in ("value", "worth"):
        out[column] = out[column].where(out["allowed"] | np.isfinite(out[column]), 0.0)
    numbers = out[["cost", "hours", "value"]].astype("float64")
    finite = np.isfinite(numbers).all(axis=None)
    if not finite or (numbers[["cost", "hours"]] < 0).any(axis=None):
        faults.append(Fault("cost, hours, value", say("decision.budget.not_finite")))
    if out.duplicated(["segment", "action"]).any():
        faults.append(Fault("segment, action", say("decision.budget.twice")))
    if faults:
        raise DataError(say("decision.budget.faults"), faults)
    return out


def _constraints(rows: pd.DataFrame, limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """A·x ≤ b: at most one row per group, then the limits that were given."""
    groups = pd.get_dummies(rows["group"], dtype=float).to_numpy().T
    given = {column: limit for column, limit in limits.items() if limit is not None}
    used = [rows[column].to_numpy(float) for column in given]
    return np.vstack([groups, *used]), np.array(
        [1.0] * len(groups) + list(given.values())
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
    rows: pd.DataFrame,
    picked: np.ndarray,
    draws: np.ndarray,
    limits: Limits,
    groups: pd.Index,
) -> np.ndarray:
    """How often each group gets the same when the values are drawn again; null where it has no
    choice to make."""
    place = groups.get_indexer(pd.Index(rows["group"]))
    unlimited = all(limit is None for limit in limits.values())

    def choice(value: np.ndarray) -> np.ndarray:
        mask = _best_of_each(place, value) if unlimited else _solve(rows, value, limits)
        out = np.full(len(groups), -1)
        out[place[mask]] = np.flatnonzero(mask)
        return out

    planned = np.full(len(groups), -1)
    planned[place[picked]] = np.flatnonzero(picked)
    same = np.mean([choice(value) == planned for value in draws.T], axis=0)
    return np.where(np.isin(np.arange(len(groups)), place), same, np.nan)


def _best_of_each(place: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Without limits the best row of each group, where it brings anything: no solver is needed."""
    order = np.lexsort((-value, place))
    first = np.r_[True, np.diff(place[order]) > 0] if len(order) else order.astype(bool)
    mask = np.zeros(len(value), dtype=bool)
    mask[order[first]] = True
    return mask & (value > 0)


def _shadow_prices(rows: pd.DataFrame, limits: Limits) -> tuple[float, float]:
    from scipy.optimize import linprog

    if rows.empty:
        return 0.0, 0.0
    a, b = _constraints(rows, limits)
    found = linprog(
        -rows["value"].to_numpy(float), A_ub=a, b_ub=b, bounds=(0, 1), method="highs"
    )
    duals = iter(-found.ineqlin.marginals[rows["group"].nunique() :])
    prices = {
        c: float(next(duals)) + 0.0 if limits[c] is not None else 0.0 for c in RESOURCES
    }
    return prices["cost"], prices["hours"]


def _next_funded(rows: pd.DataFrame, picked: np.ndarray, limits: Limits) -> Next | None:
    """The smallest extra money (or else hours) with which a better plan exists, and what it would
    add."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    value = rows["value"].to_numpy(float)
    better = value[picked].sum() + max(TOLERANCE, 1e-5 * abs(value[picked].sum()))
    for column, resource in RESOURCES.items():
        limit = limits[column]
        if limit is None or not (value > 0).any():
            continue
        a, b = _constraints(rows, {**limits, column: None})
        found = milp(
            rows[column].to_numpy(float),
            integrality=np.ones(len(rows)),
            bounds=Bounds(0, 1),
            constraints=[
                LinearConstraint(a, -np.inf, b),
                LinearConstraint(value, better, np.inf),
            ],
            options={"mip_rel_gap": 0.0},
        )
        if found.success:
            added = rows[np.round(found.x).astype(bool) & ~picked]
            names = tuple(zip(added["segment"], added["action"], strict=True))
            return Next(names, resource, float(max(found.fun - limit, 0)))
    return None


def _rivals(rows: pd.DataFrame, spent: Mapping[str, float]) -> dict[str, float]:
    """What simpler ways of spending would be worth, by the same expectations."""
    first = rows.drop_duplicates("segment")
    mail = rows[rows["kind"] == "email"] if "kind" in rows else rows.head(0)
    usual = rows[rows["allowed"]].drop_duplicates("segment")
    totals = {column: float(usual[column].sum()) for column in spent}
    shares = [spent[column] / total for column, total in totals.items() if total > 0]
    return {
        "nobody": 0.0,
        "everybody": float(first["to_all"].sum()),
        "email": float(mail.drop_duplicates("segment")["to_all"].sum()),
        "proportional": float(usual["worth"].sum() * min([1.0, *shares])),
    }
