"""The verdict on every action: whom to contact now, whom to test, whom to leave alone.

Whether an effect can be measured decides how we learn, never whether we act: an action that is
expected to pay is done, and a holdout watches it; one that is not is tested where what the test
teaches is worth more than it costs. All chances are computed, none is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy

from segment_lab.act.beliefs import Belief, natural_rates
from segment_lab.act.rules import USUAL, Rules
from segment_lab.act.teaching import best_holdout, best_test
from segment_lab.config.levels import PLAN_TAILS

DO, STOP, WATCH, TEST = "do_it", "stop_it", "watch", "test"
NOT_WORTH, JUDGEMENT, HOUSE_RULE = "not_worth_it", "your_judgement", "house_rule"
#: The seven verdicts, the firmest first.
VERDICTS = (DO, WATCH, TEST, JUDGEMENT, NOT_WORTH, STOP, HOUSE_RULE)
#: How we know.
HERE, ELSEWHERE, EXPECTED = "measured_here", "measured_elsewhere", "expected"
GROUNDS = (HERE, ELSEWHERE, EXPECTED, JUDGEMENT, HOUSE_RULE)
#: The part an action plays in its segment: it is done, tested beside it, next best, or not done.
MAIN, BESIDE, SECOND, NONE = "main", "test", "second", "none"
#: Half of the range of what a plan is expected to bring.
Z90 = NormalDist().inv_cdf(PLAN_TAILS[1])


def decide(
    options: pd.DataFrame,
    beliefs: Mapping[Any, Belief],
    rules: Rules = USUAL,
) -> pd.DataFrame:
    """A verdict for every action of every segment, with the figures behind it.

    Parameters
    ----------
    options : DataFrame
        A row per segment and action: ``segment``, ``belief`` (its key in `beliefs`), ``customers``
        who may get it, ``cost_per_contact``, ``margin`` (what a natural buyer brings; null where
        unknown) and ``natural_rate``; optionally ``margin_se`` and ``minutes_per_contact``.
    beliefs : mapping
        Key to `Belief`, whose segments include those of the options.
    rules : Rules
        What the verdicts go by.

    Returns
    -------
    DataFrame, same rows
        ``effect`` (money per contact, before its cost) and ``expected`` (after it), both with
        ``_sd``; ``p_pays, p_harms, measured``; ``verdict, ground, role``; ``contacts, held_out``;
        ``cost, hours, value`` of those contacts with the 80 % range of what they bring
        (``worth, worth_low, worth_high``; a test's value counts what it teaches).
    """
    weighed = _weigh(options.reset_index(drop=True), beliefs, rules)
    weighed = _choose(weighed)
    weighed = _test(weighed, beliefs, rules)
    weighed = _hold_out(weighed, beliefs, rules)
    weighed["verdict"] = _verdicts(weighed, rules)
    weighed["ground"] = _grounds(weighed)
    return _amounts(weighed, rules).set_index(options.index)


def _weigh(
    options: pd.DataFrame,
    beliefs: Mapping[Any, Belief],
    rules: Rules,
) -> pd.DataFrame:
    """What a contact is expected to bring, and how likely it pays."""
    out = options.copy()
    out["effect"] = np.nan
    out["effect_sd"] = np.nan
    out["measured"] = False
    out["tested_before"] = False
    for key, rows in out.groupby("belief", sort=False).groups.items():
        belief = beliefs[key]
        place = pd.Index(belief.segments).get_indexer(
            pd.Index(out.loc[rows, "segment"])
        )
        mean, sd = _per_contact(out.loc[rows], belief, place)
        out.loc[rows, "effect"] = mean
        out.loc[rows, "effect_sd"] = sd
        if belief.untested is None:
            continue
        _, before = _per_contact(out.loc[rows], belief.untested, place)
        here = out.loc[rows, "segment"].isin(list(belief.campaigns)).to_numpy()
        out.loc[rows, "tested_before"] = True
        out.loc[rows, "measured"] = here & (sd < before / 2)
    out["expected"] = out["effect"] - out["cost_per_contact"]
    out["p_pays"] = scipy.stats.norm.sf(0, out["expected"], out["effect_sd"])
    out["p_harms"] = scipy.stats.norm.cdf(0, out["effect"], out["effect_sd"])
    out["decidable"] = (out["customers"] >= rules.fewest) & out["effect"].notna()
    harmful = out["measured"] & (out["p_harms"] >= rules.sure)
    out["stopped"] = out["decidable"] & harmful
    return out


def _per_contact(
    rows: pd.DataFrame, belief: Belief, place: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Money per contact before its cost: mean and standard deviation."""
    rate = natural_rates(rows, belief, place)
    pooled = belief.money(rate)
    mean = pooled.mean[place]
    variance = np.diag(pooled.covariance)[place]
    margin = rows["margin"].to_numpy(float)
    error = (
        rows["margin_se"].to_numpy(float)
        if "margin_se" in rows
        else np.zeros(len(rows))
    )
    error = np.nan_to_num(error)
    return margin * mean, np.sqrt(
        margin**2 * variance + error**2 * (mean**2 + variance)
    )


def _choose(weighed: pd.DataFrame) -> pd.DataFrame:
    """Each segment's main action: the one that is expected to bring most, if any brings more than
    it costs."""
    out = weighed.copy()
    out["role"] = NONE
    total = out["customers"] * out["expected"]
    good = out["decidable"] & ~out["stopped"] & (out["expected"] > 0)
    out.loc[good, "role"] = SECOND
    best = total[good].groupby(out.loc[good, "segment"], sort=False).idxmax()
    out.loc[best, "role"] = MAIN
    mains = out.loc[best].set_index("segment")
    out["main_expected"] = out["segment"].map(mains["expected"]).fillna(0.0)
    seconds = out[out["role"] == SECOND].groupby("segment")["expected"].max()
    out["next_expected"] = out["segment"].map(seconds).fillna(0.0)
    return out


def _test(
    weighed: pd.DataFrame,
    beliefs: Mapping[Any, Belief],
    rules: Rules,
) -> pd.DataFrame:
    """Which actions to test beside the main ones, and on how many.

    Tests of one kind are read together, so their worth is that of what they teach together.
    """
    out = weighed.assign(tested=0.0, test_control=0.0, test_worth=0.0)
    mains = (
        out["belief"]
        .where(out["role"] == MAIN)
        .groupby(out["segment"])
        .transform("first")
    )
    of_another_kind = out["belief"] != mains
    candidates = out[out["decidable"] & ~out["stopped"] & of_another_kind]
    candidates = candidates.sort_values("expected", ascending=False, kind="stable")
    candidates = candidates.drop_duplicates(["segment", "belief"]).sort_index()
    taken = dict.fromkeys(out["segment"], 0.0)
    for key, rows in candidates.groupby("belief", sort=False):
        best = best_test(rows, beliefs[key], rules)
        for place, (share, control, worth) in best.items():
            segment: Any = out.loc[place, "segment"]
            customers: Any = out.loc[place, "customers"]
            size = float(int(share * customers))
            if size < 2 or taken[segment] + size > rules.most_tested * customers + 1:
                continue
            taken[segment] += size
            out.loc[place, ["tested", "test_control", "test_worth"]] = (
                size,
                control,
                worth,
            )
    return out


def _hold_out(
    weighed: pd.DataFrame,
    beliefs: Mapping[Any, Belief],
    rules: Rules,
) -> pd.DataFrame:
    """How many of each main action's customers are left alone: one share per kind of action."""
    out = weighed.assign(holdout_share=0.0)
    mains = out[out["role"] == MAIN]
    for key, rows in mains.groupby("belief", sort=False):
        share = rules.holdout
        if share is None:
            share = best_holdout(rows, beliefs[key], rules)
        out.loc[rows.index, "holdout_share"] = share
    return out


def _verdicts(weighed: pd.DataFrame, rules: Rules) -> np.ndarray:
    """The ladder: the first that is true decides."""
    sure = weighed["measured"] & (weighed["p_pays"] >= rules.sure)
    return np.select(
        [
            ~weighed["decidable"],
            sure & weighed["role"].isin((MAIN, SECOND)),
            weighed["stopped"],
            weighed["role"] == MAIN,
            weighed["tested"] > 0,
            weighed["role"] == SECOND,
        ],
        [JUDGEMENT, DO, STOP, WATCH, TEST, WATCH],
        NOT_WORTH,
    )


def _grounds(weighed: pd.DataFrame) -> np.ndarray:
    return np.select(
        [
            weighed["verdict"] == JUDGEMENT,
            weighed["measured"],
            weighed["tested_before"],
        ],
        [JUDGEMENT, HERE, ELSEWHERE],
        EXPECTED,
    )


def _amounts(weighed: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Contacts, control group, cost, hours and worth. One control serves a segment's main action
    and its tests."""
    out = weighed.copy()
    out.loc[(out["role"] != MAIN) & (out["tested"] > 0), "role"] = BESIDE
    by = out["segment"]
    tested = out["tested"].groupby(by).transform("sum")
    largest_test = out["tested"].groupby(by).transform("max")
    test_control = out["test_control"].groupby(by).transform("max")
    is_main, is_test = out["role"] == MAIN, out["role"] == BESIDE
    has_main = is_main.groupby(by).transform("any")

    wished = np.maximum(
        (out["holdout_share"] * out["customers"] + 0.5).astype(int), largest_test
    )
    held: Any = np.minimum(wished, out["customers"] - tested)
    others = np.floor((1 - rules.least_held) * out["customers"])
    contacts = np.select(
        [is_main, is_test, out["role"] == SECOND],
        [out["customers"] - tested - held, out["tested"], others],
        0.0,
    )
    main_held = held.where(is_main).groupby(by).transform("max")
    out["contacts"] = contacts
    out["held_out"] = np.select(
        [is_main, is_test & has_main, is_test], [held, main_held, test_control]
    )
    out["held_out"] = out["held_out"].round()
    out["cost"] = out["contacts"] * out["cost_per_contact"]
    minutes = out.get("minutes_per_contact", 0.0)
    out["hours"] = out["contacts"] * minutes / 60
    out["worth"] = out["contacts"] * out["expected"]
    reach = Z90 * out["contacts"] * out["effect_sd"]
    out["worth_low"], out["worth_high"] = out["worth"] - reach, out["worth"] + reach
    # Actions of a segment compete on one control group, the smallest; what a larger one and the
    # customers of tests cost is paid by what they teach.
    alike = others * out["expected"]
    out["value"] = np.select(
        [is_main, is_test], [alike, out["test_worth"]], out["worth"]
    )
    return out.drop(
        columns=["main_expected", "next_expected", "test_control", "stopped"]
    )


class Total(NamedTuple):
    """What several actions bring together, with its 80 % range."""

    worth: float
    low: float
    high: float


def total(decided: pd.DataFrame, beliefs: Mapping[Any, Belief]) -> Total:
    """The worth of some rows of `decide` together: errors of one kind of action go together."""
    variance = 0.0
    for key, rows in decided.groupby("belief", sort=False):
        covariance = _covariance(rows, beliefs[key])
        contacts = rows["contacts"].to_numpy(float)
        variance += float(contacts @ covariance @ contacts)
    worth = float(decided["worth"].sum())
    reach = Z90 * float(np.sqrt(variance))
    return Total(worth, worth - reach, worth + reach)


def draws(
    decided: pd.DataFrame,
    beliefs: Mapping[Any, Belief],
    n: int,
    seed: int = 0,
) -> np.ndarray:
    """What each row of `decide` would be worth if the truth were a draw of what is expected; shape
    (rows, n)."""
    rng = np.random.default_rng(seed)
    out = np.zeros((len(decided), n))
    places = decided.reset_index(drop=True)
    for key, rows in places.groupby("belief", sort=False):
        covariance = np.nan_to_num(_covariance(rows, beliefs[key]))
        error = rng.multivariate_normal(
            np.zeros(len(rows)), covariance, size=n, method="eigh"
        )
        contacts = rows["contacts"].to_numpy(float)
        out[rows.index] = (
            rows["value"].fillna(0.0).to_numpy()[:, None] + (error * contacts).T
        )
    return out


def _covariance(rows: pd.DataFrame, belief: Belief) -> np.ndarray:
    """Of the money per contact over the rows of one belief."""
    place = pd.Index(belief.segments).get_indexer(pd.Index(rows["segment"]))
    pooled = belief.money(natural_rates(rows, belief, place))
    margin = rows["margin"].to_numpy(float)
    return np.outer(margin, margin) * pooled.covariance[np.ix_(place, place)]
