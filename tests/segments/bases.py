"""Small customer tables with the shapes that break segmentations."""

from __future__ import annotations

import numpy as np
import pandas as pd

ODD_IDS = [
    "007",
    "7",
    "u.01",
    "u.02",
    "u",
    " x ",
    "x",
    "17850.0",
    "Łódź",
    "😀",
    "O'Neil",
    "a;b",
    "None",
    "nan",
    "-1",
]


def base(n: int = 300, one_time: float = 0.55, seed: int = 0) -> pd.DataFrame:
    """A plausible base: `one_time` of `n` customers bought once; heavy spenders are few; cents are
    cents."""
    rng = np.random.default_rng(seed)
    frequency = np.where(
        np.arange(n) < round(one_time * n), 1, 1 + rng.geometric(0.25, n)
    )
    basket = rng.lognormal(4, 0.9, n)
    tenure = rng.integers(frequency, 720)
    recency = np.where(
        frequency == 1, tenure, 1 + (tenure * rng.beta(1, 3, n)).astype(int)
    )
    table = pd.DataFrame(
        {
            "recency_days": recency,
            "tenure_days": tenure,
            "t_x": tenure - recency,
            "frequency": frequency,
            "repeat_frequency": frequency - 1,
            "revenue": (frequency * basket).round(2),
            "margin": (frequency * basket * rng.uniform(-0.05, 0.5, n)).round(2),
            "gap_days": np.where(
                frequency > 1, (tenure - recency) / np.maximum(frequency - 1, 1), np.nan
            ),
            "vip": rng.random(n) < 0.01,
            "touches": rng.poisson(2, n),
            "offer": rng.random(n) < 0.1,
            # How they pay and how they answer mail, null where nothing is known.
            "invoices_n": frequency,
            "max_days_overdue": rng.choice([0, 0, 5, 200], n),
            "disputed_open": rng.integers(0, 2, n),
            "mean_days_late": rng.normal(5, 9, n).round(1),
            **{
                f"days_since_{event}": np.where(
                    rng.random(n) < share, rng.integers(0, 600, n), np.nan
                )
                for event, share in (
                    ("clicked", 0.2),
                    ("opened", 0.5),
                    ("delivered", 0.8),
                    ("undelivered", 0.2),
                )
            },
            "win_probability": rng.random(n),
        },
        index=pd.Index([f"c{i:04d}" for i in range(n)], name="customer_id"),
    )
    table["monetary_value"] = table["revenue"] / table["frequency"]
    return table.iloc[rng.permutation(n)]


def odd_ids() -> pd.DataFrame:
    """Customers whose ids a careless reader merges or mangles."""
    return base(len(ODD_IDS), 0.5).set_axis(pd.Index(ODD_IDS, name="customer_id"))


def all_equal() -> pd.DataFrame:
    """Nobody differs from anybody."""
    table = base(40)
    return pd.concat([table.iloc[[0]]] * len(table)).set_axis(table.index)


def refunded() -> pd.DataFrame:
    """Totals that are zero or negative: refunds and credit notes."""
    table = base(120)
    money = ["revenue", "margin", "monetary_value"]
    table.loc[table.index[:40], money] = 0.0
    table.loc[table.index[40:60], money] *= -1
    return table


BASES = {
    f"{share:.0%} bought once": base(300, share) for share in (0.3, 0.55, 0.76, 0.99)
} | {
    "all equal": all_equal(),
    "one customer": base(1),
    "two customers": base(2, 0.5),
    "odd ids": odd_ids(),
    "refunds": refunded(),
    "all in the red": base(50).assign(revenue=-1.0, margin=-2.0, monetary_value=-1.0),
}
