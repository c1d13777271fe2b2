"""Who of each segment may get its action, as the files beside page one list them."""

from __future__ import annotations

import pandas as pd

from segment_lab.pages.front.links import audience_file
from segment_lab.pages.verdicts import Page


def audiences(
    page: Page,
    planned: list[pd.DataFrame],
    personal: bool,
) -> dict[str, pd.DataFrame]:
    """Per file the customers of a segment who may get its action, with the arm each is in.

    Debtors, disputes, running tests, customers without consent and who has had enough are left
    out before the draw, so that all arms lose the same. Where a campaign is planned the arms
    are the plan's; whoever is left alone has no action.
    """
    drawn = {str(rows["segment"].iloc[0]): rows for rows in planned}
    found = {}
    for segment, row in page.treatments.iterrows():
        name = str(segment)
        if page.entry(name, row["action"]) is None or not row["members"]:
            continue
        rows = drawn.get(name)
        if rows is None:
            allowed = page.eligible(name, row["action"])
            rows = pd.DataFrame({"customer_id": allowed.index.astype(str)})
            rows = rows.assign(
                campaign_id="",
                arm="",
                channel=row["channel"],
            )
            rows["offer"] = row["action"]
        found[audience_file(name)] = _listed(
            rows, name, page.members if personal else None
        )
    return found


def _listed(
    rows: pd.DataFrame,
    segment: str,
    people: pd.DataFrame | None,
) -> pd.DataFrame:
    """The columns of the file; names and addresses where `people` brings them."""
    out = rows[["customer_id"]].assign(segment=segment)
    if people is not None:
        for column in people.columns.intersection(["name", "email", "phone"]):
            out[column] = out["customer_id"].map(people[column])
    out["action"], out["channel"] = rows["offer"], rows["channel"]
    return out.assign(arm=rows["arm"], campaign_id=rows["campaign_id"])
