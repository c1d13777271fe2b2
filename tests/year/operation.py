"""A company operated for some quarters: customers who buy by themselves, and contacts whose effect
is known."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

import segment_lab as sl
from segment_lab.act import campaign_plan
from segment_lab.act.effects import measured
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.planning import plan

START = dt.date(2024, 1, 1)
#: Probability of one more order within the horizon, by kind of action.
EFFECTS = {"email": 0.03, "call": 0.08, "discount": 0.05, "gift": 0.0, "visit": 0.0}
QUARTERS = ("2025-04-01", "2025-07-01", "2025-10-01", "2026-01-01", "2026-04-01")
ORDER = 100.0
MARGIN = 0.4


@dataclass
class Company:
    """Orders so far, and the campaigns that went out.

    Parameters
    ----------
    customers : int
    seed : int
    late_days : int
        Campaigns go out so many days after the day of their plan.
    """

    customers: int = 1500
    seed: int = 3
    late_days: int = 0
    campaigns: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        rates = self.rng.gamma(0.8, 2.5 / 365, self.customers)
        leaves = self.rng.exponential(700, self.customers)
        begins = self.rng.uniform(0, 365, self.customers)
        days = (dt.date.fromisoformat(QUARTERS[-1]) - START).days
        rows = []
        for i in range(self.customers):
            number = self.rng.poisson(rates[i] * days)
            times = begins[i] + np.concatenate(
                [[0.0], self.rng.uniform(0, days, number)]
            )
            for time in times[times <= begins[i] + leaves[i]]:
                rows.append((f"C{i:04}", int(time)))
        frame = pd.DataFrame(rows, columns=["customer_id", "day"])
        self.natural = self._priced(frame)
        self.extra = self.natural.head(0)

    def _priced(self, frame: pd.DataFrame) -> pd.DataFrame:
        day = pd.Timestamp(START) + pd.to_timedelta(frame["day"], unit="D")
        amount = ORDER * np.exp(self.rng.normal(0, 0.3, len(frame)))
        priced = frame.assign(order_date=day, amount=amount.round(2))
        return priced.assign(margin=(priced["amount"] * MARGIN).round(2))[
            ["customer_id", "order_date", "amount", "margin"]
        ]

    def study(self, as_of: str) -> sl.Study:
        """What the company knows on a day."""
        orders = pd.concat([self.natural, self.extra], ignore_index=True)
        tables = {"orders": orders[orders["order_date"] < as_of]}
        if self.campaigns:
            tables["campaigns"] = pd.concat(self.campaigns, ignore_index=True)
        strategy = {"scheme": "rfm"}
        return sl.Study.from_frames(tables, name="year", as_of=as_of, strategy=strategy)

    def quarter(self, as_of: str) -> list[pd.DataFrame]:
        """Draw the plan of a day and let it go out; its campaigns."""
        try:
            drawn = plan(self.study(as_of))
        except NotEnoughDataError:
            return []
        out = dt.date.fromisoformat(as_of) + dt.timedelta(days=self.late_days)
        for frame in drawn:
            sent = frame.assign(assigned_on=pd.Timestamp(out))
            self.campaigns.append(sent.drop(columns=["channel", "owner"]))
            self.go_out(sent, out)
        return drawn

    def unlucky_pilot(self, as_of: str, segment: str, pairs: int = 30) -> None:
        """Before the year began a few customers of a segment were mailed and nobody bought, beside
        five of those left alone."""
        labels = self.study(as_of).segmentation("rfm").labels
        asked = sorted(labels.index[labels == segment])[: 2 * pairs]
        rows = pd.DataFrame({"customer_id": asked})
        rows["arm"] = ["email", "holdout"] * pairs
        held = rows.index[rows["arm"] == "holdout"]
        rows["outcome"] = 0.0
        rows.loc[held[:5], "outcome"] = ORDER * MARGIN
        pilot = rows.assign(
            campaign_id="pilot",
            assigned_on=pd.Timestamp(as_of),
            horizon_days=60,
            scheme="rfm",
            segment=segment,
            action="email",
            cost_per_contact=0.1,
            control="holdout",
            probability=0.5,
        )
        self.campaigns.append(pilot)

    def go_out(self, sent: pd.DataFrame, out: dt.date) -> None:
        """A campaign reaches its customers: some of them order once more."""
        treated = sent[sent["arm"] != "holdout"]
        chance = treated["action"].map(EFFECTS).to_numpy(float)
        comes = treated["customer_id"][self.rng.random(len(treated)) < chance]
        day = (out - START).days + self.rng.integers(1, 80, len(comes))
        more = pd.DataFrame({"customer_id": comes.to_numpy(), "day": day})
        self.extra = pd.concat([self.extra, self._priced(more)], ignore_index=True)


def truly(sent: pd.DataFrame) -> float:
    """What a campaign's contacts truly bring, after their costs, on average."""
    treated = sent[sent["arm"] != "holdout"]
    worth = treated["action"].map(EFFECTS) * ORDER * np.exp(0.045) * MARGIN
    return float((worth - treated["cost_per_contact"]).sum())


def table(company: Company) -> pd.DataFrame:
    """By quarter: promised, came (with its range), truth, contacts per customer."""
    rows = []
    for as_of in QUARTERS[:-1]:
        drawn = company.quarter(as_of)
        sent = (
            pd.concat(drawn)
            if drawn
            else pd.DataFrame(columns=list(campaign_plan.COLUMNS))
        )
        treated = sent[sent["arm"] != "holdout"]
        rows.append(
            {
                "as_of": as_of,
                "contacts": len(treated),
                "held_out": len(sent) - len(treated),
                "promised": float(treated["promised"].sum()),
                "truth": truly(sent) if len(sent) else 0.0,
            }
        )
    came = by_quarter(company.study(QUARTERS[-1]))
    return pd.DataFrame(rows).set_index("as_of").join(came)


def by_quarter(study: sl.Study) -> pd.DataFrame:
    """What became of each quarter's plan: ``came`` with its range, and how many campaigns taught
    that an action ``pays, loses`` or left it ``unclear``."""
    shown = measured(study.campaign_results())
    came = campaign_plan.became(shown)
    quarter = came["assigned_on"].dt.strftime("%Y-%m-%d").rename("as_of")
    sums = came.groupby(quarter)[["came", "came_low", "came_high"]].sum()
    learned = pd.crosstab(quarter, came["learned"])
    learned = learned.reindex(columns=["pays", "loses", "unclear"], fill_value=0)
    return sums.join(learned)
