"""Are planted campaign effects found inside their 95 % intervals? 100 sample CRMs, every campaign
and segment.

Run: python benchmarks/effects.py [seeds]. Exits 1 when a cell, or a campaign as a whole, is
covered by fewer than 90 of 100 seeds. Beside each stands what a comparison of before and after
would have called the effect.
"""

from __future__ import annotations

import sys
import time

import ibis
import numpy as np
import pandas as pd

from segment_lab.act.campaigns import results
from segment_lab.act.effects import effects
from segment_lab.data import embedded
from segment_lab.sample import campaign_trial


def one(seed: int) -> pd.DataFrame:
    """Effects, truths and whether the interval holds the truth, for one seed."""
    tables = campaign_trial(seed)
    orders = embedded.shared().create_table(
        "lines", tables["orders"], temp=True, overwrite=True
    )
    found = results(tables["campaigns"], orders, "2026-07-01")
    truth = tables["truth_campaigns"]
    cells = effects(found).merge(truth, on=["campaign_id", "segment"], how="left")
    sizes = (
        found.groupby(["campaign_id", "segment"])
        .size()
        .rename("n")
        .reset_index()
        .merge(truth)
    )
    whole = sizes.groupby("campaign_id").apply(
        lambda c: np.average(c["planted_effect"], weights=c["n"]), include_groups=False
    )
    cells["planted_effect"] = cells["planted_effect"].fillna(
        cells["campaign_id"].map(whole)
    )
    cells["inside"] = cells["planted_effect"].between(
        cells["effect_low"], cells["effect_high"]
    )
    return cells.assign(
        seed=seed, before_after=cells["treated_rate"] - _before(tables, orders, cells)
    )


def _before(
    tables: dict[str, pd.DataFrame], orders: ibis.Table, cells: pd.DataFrame
) -> pd.Series:
    """The treated's rate in the horizon before the campaign: what the naive comparison uses."""
    days = pd.to_timedelta(tables["campaigns"]["horizon_days"], unit="D")
    shifted = tables["campaigns"].assign(
        assigned_on=tables["campaigns"]["assigned_on"] - days
    )
    earlier = effects(results(shifted, orders, "2026-07-01"))
    return (
        earlier.set_index(["campaign_id", "segment"])["treated_rate"]
        .reindex(pd.MultiIndex.from_frame(cells[["campaign_id", "segment"]]))
        .to_numpy()
    )


def main(seeds: int) -> int:
    start = time.perf_counter()
    cells = pd.concat([one(seed) for seed in range(seeds)])
    table = cells.groupby(["campaign_id", "segment"]).agg(
        planted=("planted_effect", "mean"),
        mean_effect=("effect", "mean"),
        inside=("inside", "sum"),
        width=("effect_high", "mean"),
        before_after=("before_after", "mean"),
    )
    table["width"] -= cells.groupby(["campaign_id", "segment"])["effect_low"].mean()
    print(table.round(3).to_string())
    print(
        f"all intervals: {cells['inside'].mean():.1%} of {len(cells)} hold the truth; {seeds} seeds in "
        f"{time.perf_counter() - start:.0f} s"
    )
    return int((table["inside"] < 0.9 * seeds).any())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
