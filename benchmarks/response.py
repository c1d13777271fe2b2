"""Does `ResponseSegmenter` find who responds, keep silent where nobody does, and value itself
honestly?

Run: python benchmarks/response.py [--trials 20] [--first 0] [--shuffled 200] [--fast]. Worlds with known effects in money; each
trial's rules are valued by the truth on 20,000 other customers, beside contacting nobody,
everybody, an oracle and, where econml is installed beside the package, its DRPolicyTree. Shuffled
arms count false differences. Exits 1 where the value interval covers the truth in less than 90 %,
false differences exceed 7 %, or less than 95 % of DRPolicyTree's value is reached. `--fast` foresees
money by least squares and shuffles 60 times: a trial in half a second, for how often the interval
holds.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier

from segment_lab.act import response
from segment_lab.act.response import ResponseSegmenter
from segment_lab.act.trial import FOLDS, Trial, booster

FEATURES = ["recency_days", "frequency", "monetary_value", "tenure_days"]
COST, CUSTOMERS, OTHERS = 1.0, 8000, 20_000


def people(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Customers as a shop has them: many recent small ones, a few large ones."""
    tenure = rng.integers(30, 1500, n)
    frequency = 1 + rng.poisson(rng.gamma(1.5, 2, n))
    return pd.DataFrame(
        {
            "recency_days": (tenure * rng.beta(1, 2.5, n)).round(),
            "frequency": frequency,
            "monetary_value": rng.lognormal(3.5, 0.6, n).round(2),
            "tenure_days": tenure,
        }
    )


def lapsed(x: pd.DataFrame) -> np.ndarray:
    """Calls help the lapsed and hurt the active."""
    return np.where(x["recency_days"] > 180, 8.0, -4.0)


def corner(x: pd.DataFrame) -> np.ndarray:
    """Only lapsed customers with several orders respond."""
    return np.where((x["recency_days"] > 120) & (x["frequency"] >= 4), 14.0, 0.0)


def smooth(x: pd.DataFrame) -> np.ndarray:
    """The effect grows with the basket and falls with tenure."""
    return 5 * (np.log(x["monetary_value"]) - 3.5) - (x["tenure_days"] - 750) / 300


def small(x: pd.DataFrame) -> np.ndarray:
    """A difference that is hard to see."""
    return np.where(x["frequency"] >= 3, 3.0, 0.0)


WORLDS: dict[str, Callable[[pd.DataFrame], np.ndarray]] = {
    f.__name__: f for f in (lapsed, corner, smooth, small)
}


def trial(
    world: str, seed: int, share: float = 0.5
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Customers, their campaign, and other customers to value a rule on."""
    rng = np.random.default_rng(seed)
    x, others = people(rng, CUSTOMERS), people(rng, OTHERS)
    treated = rng.random(CUSTOMERS) < share
    buys = rng.random(CUSTOMERS) < 0.15 + 0.5 * np.exp(-x["recency_days"] / 200)
    natural = buys * x["monetary_value"] * rng.lognormal(-0.32, 0.8, CUSTOMERS)
    money = natural + WORLDS[world](x) * treated * rng.lognormal(-0.125, 0.5, CUSTOMERS)
    return (
        x,
        pd.DataFrame({"treated": treated, "money": money, "probability": share}),
        others,
    )


def least_squares(x: pd.DataFrame, trial: Trial, random_state: int = 0) -> np.ndarray:
    """Money foreseen like `trial.outcome_model`, by a regression on the features."""
    logs = np.log1p(x.to_numpy(float))
    logs = (logs - logs.mean(axis=0)) / logs.std(axis=0)
    recent = np.exp(-x["recency_days"].to_numpy() / 200)
    by_recency, by_money = logs[:, :1] * logs[:, 1:], logs[:, [2]] * logs[:, [1]]
    paid = recent * x["monetary_value"].to_numpy()
    terms = [np.ones(len(x)), logs, logs**2, by_recency, by_money, recent, paid]
    columns = np.column_stack(terms)
    fold = np.random.default_rng(random_state).permutation(len(x)) % FOLDS
    out = np.zeros(len(x))
    for k in range(FOLDS):
        inside = fold != k
        found = np.linalg.lstsq(columns[inside], trial.capped[inside], rcond=None)
        out[~inside] = columns[~inside] @ found[0]
    return out


def rival(
    x: pd.DataFrame, y: pd.DataFrame, others: pd.DataFrame, own_models: bool
) -> np.ndarray | None:
    """Whom econml's policy tree would contact; None where it is not installed.

    It foresees money by boosted trees like ours and knows that the arms were drawn, or chooses its
    models itself, which takes fifty times as long.
    """
    try:
        from econml.policy import DRPolicyTree
    except ImportError:
        return None
    given = {}
    if not own_models:
        given = {
            "model_regression": booster(0),
            "model_propensity": DummyClassifier(strategy="prior"),
        }
    tree = DRPolicyTree(max_depth=3, min_samples_leaf=240, random_state=0, **given)
    tree.fit(y["money"] - COST * y["treated"], y["treated"].astype(int), X=x)
    return tree.predict(others).astype(bool)


def one(
    world: str, seed: int, own_models: bool = False, fast: bool = False
) -> dict[str, float]:
    x, y, others = trial(world, seed)
    truth = WORLDS[world](others) - COST
    fitted = ResponseSegmenter(FEATURES, shuffles=60 if fast else 200).fit(x, y)
    effect = fitted.effects_["shrunk"].to_numpy()[fitted.predict(others)]
    estimate = fitted.value(COST).loc["rules"]
    worth = float(truth[effect > COST].sum() / OTHERS)
    found = {
        "worth": worth,
        "covered": estimate["value_low"] <= worth <= estimate["value_high"],
        "everybody": max(float(truth.mean()), 0.0),
        "oracle": float(truth.clip(0).mean()),
        "segments": float(len(fitted.rules_)),
    }
    chosen = None if fast else rival(x, y, others, own_models)
    if chosen is not None:
        found["econml"] = float(truth[chosen].sum() / OTHERS)
    return found


def false_alarm(seed: int) -> bool:
    """Whether a difference is found where the arms were shuffled."""
    x, y, _ = trial("corner", seed)
    rng = np.random.default_rng(seed + 5000)
    shuffled = y.assign(treated=rng.permutation(y["treated"].to_numpy()))
    return ResponseSegmenter(FEATURES).fit(x, shuffled).difference_found_


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=20, help="of each world")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--shuffled", type=int, default=200)
    parser.add_argument("--fast", action="store_true", help="how often ranges hold")
    parser.add_argument("--worlds", nargs="*", default=WORLDS)
    parser.add_argument(
        "--own-models", action="store_true", help="econml chooses its models itself"
    )
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    if given.fast:
        response.outcome_model = least_squares
    seeds = range(given.first, given.first + given.trials)
    failed = 0
    for world in given.worlds:
        start = time.perf_counter()
        tried = [one(world, seed, given.own_models, given.fast) for seed in seeds]
        cells = pd.DataFrame(tried)
        mean = cells.mean()
        failed += mean["covered"] < 0.9
        beside = "no rival"
        if "econml" in mean:
            reached = mean["worth"] / mean["econml"]
            error = _ratio_error(cells["worth"], cells["econml"])
            failed += reached < 0.95
            beside = (
                f"DRPolicyTree {mean['econml']:.3f}, share {reached:.3f} ± {error:.3f}"
            )
        print(
            f"{world:7} worth {mean['worth']:.3f} oracle {mean['oracle']:.3f} everybody "
            f"{mean['everybody']:.3f} segments {mean['segments']:.1f} covered "
            f"{int(cells['covered'].sum())} of {len(cells)}; {beside}; "
            f"{time.perf_counter() - start:.0f} s",
            flush=True,
        )
    found = sum(false_alarm(seed) for seed in range(given.shuffled))
    print(f"false differences on shuffled arms: {found} of {given.shuffled}")
    return int(failed > 0 or found > 0.07 * given.shuffled)


def _ratio_error(ours: pd.Series, theirs: pd.Series) -> float:
    """Standard error of the ratio of two means over the same trials."""
    ratio = ours.mean() / theirs.mean()
    off = ours - ratio * theirs
    return float(off.std(ddof=1) / np.sqrt(len(off)) / theirs.mean())


if __name__ == "__main__":
    sys.exit(main())
