"""Can a segment be acted on: is it large enough, reachable, and could a campaign's effect be seen?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from segment_lab.segmentation import Segmentation

Z975, Z80 = 1.959964, 0.841621


def smallest_detectable_effect(rate: float, treated: float, control: float) -> float:
    """(z.975 + z.80)·√(p(1−p)(1/nT + 1/nC)), in points of the rate; infinite when a group is empty.

    `rate` p is what happens without a campaign; two-sided test at 5 %, power 80 %.
    """
    if treated <= 0 or control <= 0:
        return np.inf
    return float((Z975 + Z80) * np.sqrt(rate * (1 - rate) * (1 / treated + 1 / control)))


def actionability(segmentation: Segmentation, customers: pd.DataFrame, outcomes: pd.DataFrame,
                  holdout: float = 0.2) -> pd.DataFrame:
    """Per segment: size, revenue share, reachable share, natural rate of buying again, smallest detectable effect.

    Reachable are those who consented (NaN where the table has no ``consent``; then all are counted). The natural
    rate is (buyers + ½) / (n + 1), so that 0 of 7 is not taken for "never".
    """
    rows = segmentation.align(customers)
    labels, names = segmentation.labels, list(segmentation.names)
    bought = (outcomes["future_orders"].reindex(labels.index) > 0).astype(float)
    by = pd.DataFrame({"segment": labels, "revenue": rows["revenue"].clip(lower=0), "bought": bought}).groupby(
        "segment", observed=False)
    out = pd.DataFrame({"customers": by.size(), "revenue": by["revenue"].sum(), "buyers": by["bought"].sum()})
    out["customer_share"] = out["customers"] / len(labels)
    out["revenue_share"] = out["revenue"] / out["revenue"].sum() if out["revenue"].sum() else np.nan
    out["reachable_share"], reach = np.nan, out["customers"].astype(float)
    if "consent" in rows:
        consented = rows["consent"].eq(True).fillna(False).astype(float)
        reach = consented.groupby(labels, observed=False).sum().reindex(names, fill_value=0.0)
        out["reachable_share"] = reach / out["customers"].replace(0, np.nan)
    out["natural_rate"] = (out.pop("buyers") + 0.5) / (out["customers"] + 1)
    out["smallest_uplift"] = [smallest_detectable_effect(p, n * (1 - holdout), n * holdout)
                              for p, n in zip(out["natural_rate"], reach, strict=True)]
    return out.drop(columns="revenue").reindex(names).rename_axis("segment")
