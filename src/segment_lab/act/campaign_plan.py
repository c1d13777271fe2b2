"""The campaigns of a plan: who is contacted with what, who is left alone, and what became of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from segment_lab.act.claims import certain
from segment_lab.act.experiment import HOLDOUT, draw
from segment_lab.act.verdicts import BESIDE

#: The file of a campaign is a ``campaigns`` table: these columns are read from it again.
COLUMNS = (
    "campaign_id",
    "customer_id",
    "arm",
    "assigned_on",
    "horizon_days",
    "scheme",
    "segment",
    "action",
    "cost_per_contact",
    "predicted_uplift",
    "control",
    "probability",
    "promised",
    "offer",
    "channel",
    "owner",
)


@dataclass(frozen=True)
class Drawing:
    """What the arms of a plan are drawn by.

    Parameters
    ----------
    name, scheme : str
        The plan, which names its campaigns, and whose segments it acts on.
    as_of : date
        The day of the plan.
    horizon_days : int
        How long a customer has to buy.
    """

    name: str
    scheme: str
    as_of: dt.date
    horizon_days: int

    def campaign(
        self,
        segment: str,
        actions: pd.DataFrame,
        allowed: Mapping[Any, Sequence[str]],
        owners: pd.Series,
    ) -> pd.DataFrame:
        """The rows of a segment's campaign, one per customer.

        Parameters
        ----------
        segment : str
            Its name, a part of the campaign's.
        actions : DataFrame
            The segment's funded rows of `verdicts.decide`: one main action at most, and tests; with
            ``predicted_uplift`` and ``promised`` (money per contact within the horizon).
        allowed : mapping
            Index of `actions` to the customers who may get it: only who may get every one of them
            is drawn, so that all arms are alike.
        owners : Series
            Who looks after each customer.
        """
        eligible = set.intersection(*(set(allowed[place]) for place in actions.index))
        campaign = f"{self.name}-{self.as_of}-{slug(segment)}"
        lots = sorted(eligible, key=lambda customer: draw(customer, campaign))
        parts = self._shares(actions, len(lots))
        rows = pd.DataFrame(
            {
                "customer_id": lots[: len(parts)],
                "place": parts,
            }
        )
        facts = actions.assign(arm=_arms(actions)).reindex(rows["place"])
        rows["arm"] = facts["arm"].fillna(HOLDOUT).to_numpy()
        for column, source in (
            ("action", "kind"),
            ("offer", "action"),
            ("channel", "channel"),
            ("cost_per_contact", "cost_per_contact"),
            ("predicted_uplift", "predicted_uplift"),
            ("promised", "promised"),
        ):
            rows[column] = facts[source].to_numpy()
        rows["probability"] = rows.groupby("arm")["arm"].transform("size") / len(rows)
        rows["owner"] = rows["customer_id"].map(owners)
        rows = rows.assign(
            campaign_id=campaign,
            control=HOLDOUT,
            assigned_on=cast(Any, pd.NaT),
            horizon_days=self.horizon_days,
            scheme=self.scheme,
            segment=segment,
        )
        for column in (
            "probability",
            "promised",
            "predicted_uplift",
            "cost_per_contact",
        ):
            rows[column] = rows[column].astype("float64").round(6)
        ordered = rows.sort_values("customer_id", kind="stable").reset_index(drop=True)
        return ordered[list(COLUMNS)]

    def _shares(self, actions: pd.DataFrame, customers: int) -> list[Any]:
        """What each lot gets: null to be left alone, a test, the main action for the rest; who is
        beyond the list takes no part."""
        planned = float(actions["customers"].max())
        scale = customers / planned if planned else 0.0
        tested = float(actions["contacts"].where(actions["role"] == BESIDE, 0.0).sum())
        main = actions[actions["role"] != BESIDE]
        unused = (
            float((main["customers"] - main["contacts"]).max()) - tested
            if len(main)
            else 0.0
        )
        held = round(max(float(actions["held_out"].max()), unused) * scale)
        places: list[Any] = [np.nan] * held
        tests = actions[actions["role"] == BESIDE]
        for place, row in tests.iterrows():
            places += [place] * round(float(row["contacts"]) * scale)
        for place in actions.index[actions["role"] != BESIDE]:
            places += [place] * max(customers - len(places), 0)
        return places[:customers]


def _arms(actions: pd.DataFrame) -> list[str]:
    """An arm is called like its kind of action; a second one of that kind gets a number."""
    names: list[str] = []
    for kind in actions["kind"]:
        same = sum(name.split(" ")[0] == kind for name in names)
        names.append(f"{kind} {same + 1}" if same else str(kind))
    return names


def slug(segment: str) -> str:
    """A segment's name as part of a campaign's id and of a file's name."""
    kept = [letter if letter.isalnum() else "-" for letter in segment.lower()]
    return "".join(kept).strip("-") or "segment"


def became(measured: pd.DataFrame) -> pd.DataFrame:
    """What became of plans: promised, came, learned.

    Parameters
    ----------
    measured : DataFrame
        From `effects.measured`.

    Returns
    -------
    DataFrame, the last plan first
        A row per campaign and arm that had promised something: ``assigned_on, segment, action,
        contacts, promised`` (money, after costs), ``came`` with ``came_low, came_high`` (95 %
        range), and what was ``learned``: ``pays, loses`` or ``unclear``, all rows judged together
        (`claims.certain`).
    """
    if measured.empty or "promised" not in measured:
        return pd.DataFrame()
    rows = measured[(measured["segment"] != "All") & measured["promised"].notna()]
    contacts, cost = rows["treated"], rows["cost_per_contact"].fillna(0.0)
    out = rows[["campaign_id", "assigned_on", "segment", "action"]].assign(
        contacts=contacts
    )
    out["promised"] = contacts * rows["promised"]
    for end in ("", "_low", "_high"):
        out[f"came{end}"] = contacts * (rows[f"money_effect{end}"] - cost)
    net = rows["money_effect"] - cost
    sure = certain(net, rows["money_se"], rows["money_freedom"])
    out["learned"] = np.select(
        [sure & (net > 0), sure & (net < 0)], ["pays", "loses"], "unclear"
    )
    return out.sort_values("assigned_on", ascending=False, kind="stable").reset_index(
        drop=True
    )


def last(became: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last plan: campaigns that went out within 31 days of the latest."""
    if became.empty:
        return became
    latest = became["assigned_on"].max()
    return became[became["assigned_on"] > latest - pd.Timedelta(days=31)]
