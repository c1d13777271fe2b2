"""How often the comparison's claims hold, in worlds whose truth is known.

    python benchmarks/calibration.py [coverage winner settled natural] [--full]

Customers buy as in BG/NBD: gamma rates of buying, beta chances to leave after an order; baskets
are log-normal around a customer's own mean. Three worlds: *plain*; *seasonal* (the rate swings by
60 % over the year); *growing* (new customers come ever faster). Every log is drawn anew, the
schemes are drawn at t0 − H and t0 as the protocol does, and the claims are held against the truth.

The fast default takes about a minute; ``--full`` fills the table of docs/calibration.md. Every
share is printed with its own 95 % Monte-Carlo range.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segment_lab.customers.rates import Z975, drift_between, next_period, wilson
from segment_lab.judge.homogeneity import homogeneity
from segment_lab.judge.learning import Outcome, from_segments
from segment_lab.judge.measures import MEASURES
from segment_lab.judge.resampling import deviation
from segment_lab.judge.sufficiency import Step, assess, history
from segment_lab.judge.told_apart import told_apart
from segment_lab.judge.validity import Judged, Lesson, judge
from segment_lab.segments.lifecycle import LifecycleSegmenter
from segment_lab.segments.rfm import RFMSegmenter
from segment_lab.segments.segmentation import Segmentation

YEAR, HORIZON, DAYS = 365, 90, 720
WORLDS = ("plain", "seasonal", "growing")
#: Most orders of a customer that are simulated.
MOST = 60
#: Begins every seed; no method was chosen on logs that begin with it.
HELD_OUT = 14
#: A 95 % range is as promised when it holds the truth so often.
PROMISED = (0.93, 0.97)


@dataclass(frozen=True)
class Log:
    """Orders of n customers: days (NaN where there is none) and amounts, shape (n, orders)."""

    day: np.ndarray
    amount: np.ndarray

    def customers(self, day: float, start: float = 0.0) -> pd.DataFrame:
        """The customer table of what was ordered in ``start <= order < day``."""
        seen = (self.day < day) & (self.day >= start)
        frequency = seen.sum(axis=1)
        known = frequency > 0
        last = np.where(seen, self.day, -np.inf).max(axis=1)[known]
        first = np.where(seen, self.day, np.inf).min(axis=1)[known]
        revenue = np.where(seen, self.amount, 0.0).sum(axis=1)[known]
        frequency = frequency[known]
        return pd.DataFrame(
            {
                "recency_days": np.ceil(day - last),
                "t_x": np.floor(last - first),
                "tenure_days": np.ceil(day - first),
                "frequency": frequency,
                "repeat_frequency": frequency - 1,
                "revenue": revenue,
                "monetary_value": revenue / frequency,
                "gap_days": np.where(
                    frequency > 1, (last - first) / np.maximum(frequency - 1, 1), np.nan
                ),
            },
            index=pd.Index(np.flatnonzero(known), name="customer_id"),
        )

    def outcomes(
        self, day: float, index: pd.Index, days: float = HORIZON
    ) -> pd.DataFrame:
        """What these customers bought in the days after."""
        after = (self.day >= day) & (self.day < day + days)
        rows = index.to_numpy()
        money = np.where(after, self.amount, 0.0).sum(axis=1)[rows]
        orders = after.sum(axis=1)[rows]
        return pd.DataFrame(
            {"future_revenue": money, "future_orders": orders}, index=index
        )


def simulate(world: str, n: int, rng: np.random.Generator, alike: bool = False) -> Log:
    """A log with about `n` customers known at t0, new ones coming all the time; `alike`: one rate
    for all, no one leaves, one mean basket."""
    known = (DAYS - HORIZON) / DAYS
    n = round(n / (known**2 if world == "growing" else known))
    share = rng.random(n)
    joined = DAYS * (np.sqrt(share) if world == "growing" else share)
    rate = np.full(n, 1 / 80) if alike else rng.gamma(0.8, 1 / 55, n) + 1e-6
    leaves = np.zeros(n) if alike else rng.beta(0.8, 3.0, n)
    size = np.full(n, 40.0) if alike else rng.lognormal(3.5, 0.7, n)
    gaps = rng.exponential(1, (n, MOST - 1)) / rate[:, None]
    # Operational time: in the seasonal world a day in season counts more than one out of it.
    clock = np.cumsum(np.column_stack([_operational(joined, world), gaps]), axis=1)
    stays = rng.random((n, MOST - 1)) >= leaves[:, None]
    active = np.column_stack(
        [np.ones(n, dtype=bool), np.cumprod(stays, axis=1).astype(bool)]
    )
    day = np.where(active, _calendar(clock, world), np.nan)
    amount = size[:, None] * rng.lognormal(0, 0.4, day.shape)
    return Log(np.where(day < DAYS + HORIZON, day, np.nan), amount)


GRID = np.arange(0.0, 40 * YEAR, 1.0)
SWING = GRID + 0.6 * YEAR / (2 * np.pi) * (1 - np.cos(2 * np.pi * GRID / YEAR))


def _operational(day: np.ndarray, world: str) -> np.ndarray:
    return np.interp(day, GRID, SWING) if world == "seasonal" else day


def _calendar(clock: np.ndarray, world: str) -> np.ndarray:
    return np.interp(clock, SWING, GRID) if world == "seasonal" else clock


# Schemes that cost nothing to draw
# -------------------------------------------------------------------------------------------------


def bands(
    column: str, k: int
) -> Callable[[pd.DataFrame, np.random.Generator], Segmentation]:
    """Quantile bands of one column."""

    def draw(table: pd.DataFrame, rng: np.random.Generator) -> Segmentation:
        values = table[column].to_numpy(float)
        codes = np.searchsorted(
            np.quantile(values, np.arange(1, k) / k), values, side="left"
        )
        return _labels(codes, k, table.index)

    return draw


def terciles(table: pd.DataFrame, rng: np.random.Generator) -> Segmentation:
    """Nine cells of recency and spend."""
    recency = bands("recency_days", 3)(table, rng).codes.to_numpy()
    spend = bands("revenue", 3)(table, rng).codes.to_numpy()
    return _labels(3 * recency + spend, 9, table.index)


def blurred(
    noise: float, k: int = 5
) -> Callable[[pd.DataFrame, np.random.Generator], Segmentation]:
    """Bands of past spend seen through noise of its own: equally good by construction."""

    def draw(table: pd.DataFrame, rng: np.random.Generator) -> Segmentation:
        value = np.log(table["revenue"].to_numpy()) + rng.normal(0, noise, len(table))
        codes = np.searchsorted(
            np.quantile(value, np.arange(1, k) / k), value, side="left"
        )
        return _labels(codes, k, table.index)

    return draw


def _labels(codes: np.ndarray, k: int, index: pd.Index) -> Segmentation:
    return Segmentation(
        pd.Series(codes, index=index), tuple(f"s{i}" for i in range(k)), "simulated"
    )


SCHEMES = {
    "spend, 5 bands": bands("revenue", 5),
    "recency, 3 bands": bands("recency_days", 3),
    "recency × spend, 9": terciles,
    "noise, 4": blurred(50.0, 4),
}


def judged(
    log: Log,
    schemes: dict[str, Callable[[pd.DataFrame, np.random.Generator], Segmentation]],
    rng: np.random.Generator,
    draws: int,
) -> tuple[Judged, dict[str, Segmentation], pd.DataFrame]:
    """The protocol by hand: learned in the horizon before t0, judged in the one after."""
    t0 = DAYS - HORIZON
    now, before = log.customers(t0), log.customers(t0 - HORIZON)
    outcomes = log.outcomes(t0, now.index)
    taught = log.outcomes(t0 - HORIZON, before.index)
    drawn, predictions = {}, []
    for name, draw in schemes.items():
        drawn[name] = draw(now, rng)
        seen = draw(before, rng)
        predictions.append(
            from_segments(name, "scheme", drawn[name], now.index, seen, before.index)
        )
    lesson = Lesson(Outcome.of(taught), now.index.get_indexer(before.index))
    found = judge(
        predictions, Outcome.of(outcomes), draws, int(rng.integers(1 << 31)), lesson
    )
    return found, drawn, outcomes


def share(held: int, logs: int) -> str:
    low, high = wilson(held, logs)
    return f"{held / max(logs, 1):6.3f} ({low:.3f}–{high:.3f})"


# The claims
# -------------------------------------------------------------------------------------------------


def coverage(logs: int, sizes: tuple[int, ...], draws: int) -> None:
    """95 % intervals of every measure and of the paired differences.

    The truth of a world and size is the mean of the estimates over all its logs: what the scheme
    reaches on bases of that size, the cost of learning included.
    """
    print("\n95 % intervals: share of logs in which they hold the truth")
    for world in WORLDS:
        for n in sizes:
            rng = np.random.default_rng((HELD_OUT, 1, WORLDS.index(world), n))
            values, spreads, eta = [], [], []
            for _ in range(logs):
                found, drawn, outcomes = judged(
                    simulate(world, n, rng), SCHEMES, rng, draws
                )
                values.append(found.values)
                spreads.append(_half_widths(found))
                table = homogeneity(drawn, outcomes["future_revenue"], draws, 0)
                eta.append(table[["eta2", "eta2_low", "eta2_high"]].to_numpy())
            _report_coverage(
                world, n, np.array(values), np.array(spreads), np.array(eta)
            )


def _half_widths(found: Judged) -> np.ndarray:
    """Half the width of every interval: measures of each scheme, and of the pairs' differences.

    As `Judged.table` and `Judged.differences` have them, without the joint factors, which take most
    of the time and are not asked for here.
    """
    samples = found.samples
    a, b = np.triu_indices(samples.shape[1], 1)
    single = deviation(samples)
    both = deviation(samples[:, a] - samples[:, b]).T
    return Z975 * np.concatenate([single.ravel(), both.ravel()])


def _report_coverage(
    world: str, n: int, values: np.ndarray, spreads: np.ndarray, eta: np.ndarray
) -> None:
    logs, schemes, measures = values.shape
    single = spreads[:, : schemes * measures].reshape(values.shape)
    error = np.abs(values - np.nanmean(values, axis=0))
    for m, name in enumerate(MEASURES):
        _report_cells(world, n, name, (error <= single)[:, :, m], list(SCHEMES))
    a, b = np.triu_indices(schemes, 1)
    pairs = [
        f"{list(SCHEMES)[i]} − {list(SCHEMES)[j]}" for i, j in zip(a, b, strict=True)
    ]
    differences = values[:, a] - values[:, b]
    wide = spreads[:, schemes * measures :].reshape(logs, measures, len(a))
    off = np.abs(differences - differences.mean(axis=0)) <= wide.transpose(0, 2, 1)
    for m in (0, 2, 3):
        _report_cells(world, n, f"Δ {MEASURES[m]}", off[:, :, m], pairs)
    truth = eta[:, :, 0].mean(axis=0)
    inside = (eta[:, :, 1] <= truth) & (truth <= eta[:, :, 2])
    _report_cells(world, n, "eta2", inside, list(SCHEMES))


def _report_cells(
    world: str, n: int, name: str, inside: np.ndarray, cells: list[str]
) -> None:
    """All cells (schemes or pairs) of a figure together, the least and the most covered, and how
    many of them are refuted: their own range leaves out all of `PROMISED`."""
    logs = len(inside)
    held = inside.sum(axis=0)
    refuted = []
    for cell, count in zip(cells, held, strict=True):
        low, high = wilson(count, logs)
        if high < PROMISED[0] or low > PROMISED[1]:
            refuted.append(cell)
    print(
        f"{world:9} {n:6} {name:22} all {inside.mean():.3f}  "
        f"least {share(int(held.min()), logs)}  most {share(int(held.max()), logs)}  "
        f"refuted {len(refuted)} of {len(cells)} {refuted or ''}",
        flush=True,
    )


def winner(logs: int, sizes: tuple[int, ...], draws: int) -> None:
    """Of K equally good schemes some pair is called different: at most 5 %. And how often a truly
    better scheme is named."""
    print("\nOf K equal schemes some are told apart (claimed: at most .05)")
    print(f"{'n':>6} {'K':>3} {'joint':>22} {'pairwise':>22}")
    for n in sizes:
        rng = np.random.default_rng((HELD_OUT, 2, n))
        counts: dict[int, list[int]] = {k: [0, 0] for k in (2, 3, 5, 7)}
        for _ in range(logs):
            seven = {f"scheme {i}": blurred(1.0) for i in range(7)}
            found, _, _ = judged(simulate("plain", n, rng), seven, rng, draws)
            for k in counts:
                joint, alone = _told_apart(
                    found, [(a, b) for b in range(k) for a in range(b)]
                )
                counts[k][0] += bool(joint.any())
                counts[k][1] += bool(alone.any())
        for k, (joint, alone) in counts.items():
            print(
                f"{n:6} {k:3} {share(joint, logs):>22} {share(alone, logs):>22}",
                flush=True,
            )
    print(
        "\nThe better of five schemes is named ahead of each of the others (true difference beside it)"
    )
    for n in sizes:
        rng = np.random.default_rng((HELD_OUT, 3, n))
        named, alone, gaps = 0, 0, []
        for _ in range(logs):
            five = {
                "better": blurred(BETTER),
                **{f"scheme {i}": blurred(OTHERS) for i in range(4)},
            }
            found, _, _ = judged(simulate("plain", n, rng), five, rng, draws)
            pairs = [(a, b) for b in range(5) for a in range(b)]
            power = found.values[:, 0]  # noqa: PD011
            gaps.append(power[0] - power[1:].mean())
            joint, single = _told_apart(found, pairs)
            ahead = [a == 0 and power[0] > power[b] for a, b in pairs]
            named += int((joint & ahead).sum())
            alone += int((single & ahead).sum())
        print(
            f"{n:6} difference {np.mean(gaps):.3f}  joint {share(named, 4 * logs)}  "
            f"pairwise {share(alone, 4 * logs)}",
            flush=True,
        )


def _told_apart(
    found: Judged, pairs: list[tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Which pairs are certain in ranking power: by closed testing, and by each pair's own."""
    power, samples = found.values[:, 0], found.samples[:, :, 0]  # noqa: PD011
    a, b = np.array(pairs).T
    spread = deviation(samples[:, a] - samples[:, b])
    off = np.abs(power[a] - power[b])
    return told_apart(power, samples, pairs), off > Z975 * spread


#: Noise of a scheme whose true ranking power is about .11 above that of the others.
BETTER, OTHERS = 0.6, 1.3


def settled(logs: int, sizes: tuple[int, ...], draws: int) -> None:
    """How often a scheme is called settled: where customers differ, and where all are alike."""
    print("\nStatus by world (share of logs): settled, of them by scheme")
    for alike in (True, False):
        for n in sizes:
            rng = np.random.default_rng((HELD_OUT, 4, n))
            count = {"lifecycle": 0, "rfm": 0}
            for _ in range(logs):
                log = simulate("plain", n, rng, alike)
                for name, make in (
                    ("lifecycle", LifecycleSegmenter),
                    ("rfm", RFMSegmenter),
                ):
                    status = assess(history(_steps(log, make), draws), DAYS, n)
                    count[name] += status.kind == "PROPER"
            words = "all alike" if alike else "different"
            print(
                f"{words:10} {n:6} lifecycle {share(count['lifecycle'], logs)}  RFM {share(count['rfm'], logs)}",
                flush=True,
            )


def _steps(log: Log, make: Callable[[], object]) -> list[Step]:
    """Three months of refits, the last of which have outcomes."""
    steps, previous = [], None
    for day in (DAYS - HORIZON - 60, DAYS - HORIZON - 30, DAYS - HORIZON):
        table = log.customers(day)
        rule = make().fit(table)
        before = None if previous is None else previous.segment(table)
        steps.append(
            Step(day, rule.segment(table), before, log.outcomes(day, table.index))
        )
        previous = rule
    return steps


def natural(logs: int, sizes: tuple[int, ...], draws: int) -> None:
    """The rate of buying seen in one period, and the interval for the next."""
    print(
        "\nNatural rate: the interval from one period holds the share seen in the next"
    )
    t0 = DAYS - HORIZON
    for world in WORLDS:
        for n in sizes:
            rng = np.random.default_rng((HELD_OUT, 5, WORLDS.index(world), n))
            held = alone = cells = 0
            for _ in range(logs):
                log = simulate(world, n, rng)
                seen = _rates(log, t0 - HORIZON)
                came = _rates(log, t0)
                past = [_rates(log, t0 - HORIZON * back) for back in (4, 3, 2, 1)]
                drift = drift_between(
                    np.array([p["buyers"] for p in past]),
                    np.array([p["n"] for p in past]),
                )
                low, high = next_period(seen["buyers"], seen["n"], came["n"], drift)
                plain_low, plain_high = wilson(seen["buyers"], seen["n"])
                rate = came["buyers"] / came["n"]
                cells += len(rate)
                held += int(((low <= rate) & (rate <= high)).sum())
                alone += int(((plain_low <= rate) & (rate <= plain_high)).sum())
            print(
                f"{world:9} {n:6} predictive {share(held, cells)}  its own interval {share(alone, cells)}",
                flush=True,
            )


def _rates(log: Log, day: float) -> pd.DataFrame:
    """Customers and buyers of four segments by recency, at fixed cuts, through equal windows."""
    table = log.customers(day, max(day - YEAR, 0))
    bought = log.outcomes(day, table.index)["future_orders"] > 0
    codes = np.searchsorted([30, 90, 180], table["recency_days"])
    frame = pd.DataFrame({"segment": codes, "bought": bought.to_numpy()})
    by = frame.groupby("segment")["bought"]
    return pd.DataFrame({"n": by.size(), "buyers": by.sum()}).reindex(
        range(4), fill_value=0
    )


CLAIMS = {
    "coverage": coverage,
    "winner": winner,
    "settled": settled,
    "natural": natural,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "claims", nargs="*", choices=[*CLAIMS, []], help="all by default"
    )
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--logs", type=int)
    parser.add_argument("--sizes", type=int, nargs="+")
    given = parser.parse_args()
    sizes = tuple(given.sizes or ((600, 2_000, 10_000) if given.full else (600,)))
    for name in given.claims or CLAIMS:
        logs = given.logs or (1_000 if given.full else 40)
        if name == "settled":
            logs = given.logs or (100 if given.full else 5)
        CLAIMS[name](logs, sizes, 200 if given.full else 100)


if __name__ == "__main__":
    main()
