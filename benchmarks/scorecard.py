"""Cost of the full scorecard: five schemes, baselines, 200 paired bootstrap draws, by number of
customers.

    python benchmarks/scorecard.py [10000 100000 300000]

Prints seconds for the whole scorecard (every section, the schemes already fitted), by the clock
and of CPU (a busy machine shows in their difference), and CPU microseconds per customer. Refits
are on samples and cost the same for any base; beyond that the cost grows linearly when the last
column stays level. The aim is 100,000 customers in under 60 seconds on 2 cores.
"""

from __future__ import annotations

import datetime as dt
import sys
import time

import numpy as np
import pandas as pd

from segment_lab.judge import Background, Change, Training, scorecard
from segment_lab.segments.abc import ABCSegmenter
from segment_lab.segments.clusters import ClusterSegmenter
from segment_lab.segments.lifecycle import LifecycleSegmenter
from segment_lab.segments.rfm import RFMSegmenter
from segment_lab.window import ObservationWindow

HORIZON, DAYS = 90, 720
START = dt.date(2024, 1, 1)


def base(n: int, as_of: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A customer table after `as_of` days and the outcomes of the next 90: gamma rates, drop-out,
    log-normal orders."""
    rng = np.random.default_rng(seed)
    rate, size = rng.gamma(0.8, 1 / 60, n), rng.lognormal(3.5, 0.8, n)
    joined = rng.uniform(0, DAYS - 2 * HORIZON - 30, n)
    life = rng.exponential(500, n)
    later = np.random.default_rng((seed, as_of))
    tenure = as_of - joined
    active = np.minimum(tenure, life)
    repeats = later.poisson(rate * active)
    t_x = active * np.where(repeats > 0, later.beta(np.maximum(repeats, 1), 1), 0)
    frequency = repeats + 1
    revenue = np.round(frequency * size * later.lognormal(0, 0.2, n), 2)
    customers = pd.DataFrame(
        {
            "recency_days": np.ceil(tenure - t_x),
            "t_x": np.floor(t_x),
            "tenure_days": np.ceil(tenure),
            "frequency": frequency,
            "repeat_frequency": repeats,
            "revenue": revenue,
            "monetary_value": revenue / frequency,
            "gap_days": np.where(repeats > 0, t_x / np.maximum(repeats, 1), np.nan),
        },
        index=pd.Index([f"c{i:07d}" for i in range(n)], name="customer_id"),
    )
    orders = later.poisson(rate * np.clip(life - tenure, 0, HORIZON))
    money = orders * size * later.lognormal(0, 0.3, n)
    return customers, pd.DataFrame(
        {"future_revenue": money, "future_orders": orders}, index=customers.index
    )


def run(n: int) -> tuple[float, float, float]:
    """Seconds to fit the five schemes, for the scorecard, and its CPU seconds."""
    t0 = DAYS - HORIZON
    (before, seen), (now, outcomes), (today, _) = (
        base(n, d) for d in (t0 - HORIZON, t0, DAYS)
    )
    start = time.perf_counter()
    made = {
        "RFM quintiles": RFMSegmenter(n_bins=5),
        "RFM terciles": RFMSegmenter(n_bins=3),
        "ABC": ABCSegmenter(),
        "lifecycle": LifecycleSegmenter(),
        "clusters": ClusterSegmenter(k=4),
    }
    fitted = {name: s.fit(now) for name, s in made.items()}
    fit_seconds, start, cpu = (
        time.perf_counter() - start,
        time.perf_counter(),
        time.process_time(),
    )
    labels = {name: s.segment(now) for name, s in fitted.items()}
    frozen = {name: s.segment(today) for name, s in fitted.items()}
    day = START + dt.timedelta(days=t0)
    training = Training(
        {name: s.segment(before) for name, s in fitted.items()}, seen, before
    )
    background = Background(
        now,
        training,
        changes={
            name: Change(labels[name], frozen[name], labels[name]) for name in fitted
        },
        segmenters=fitted,
        window=ObservationWindow(START, day, day + dt.timedelta(days=HORIZON)),
    )
    scorecard(labels, outcomes, background, draws=200)
    return fit_seconds, time.perf_counter() - start, time.process_time() - cpu


if __name__ == "__main__":
    print(
        f"{'customers':>10} {'fit, s':>8} {'scorecard, s':>13} {'CPU, s':>8} {'CPU µs each':>12}"
    )
    for size in [int(a) for a in sys.argv[1:]] or [10_000, 100_000, 300_000]:
        fit_time, card_time, cpu_time = run(size)
        print(
            f"{size:>10,} {fit_time:>8.1f} {card_time:>13.1f} {cpu_time:>8.1f} {1e6 * cpu_time / size:>12.0f}",
            flush=True,
        )
