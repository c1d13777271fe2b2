"""The decision as tables: what each segment gets, every action weighed, what campaigns did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from segment_lab.act import market, verdicts
from segment_lab.act.stance import EMPTY, UNSTAFFED
from segment_lab.judge.backtest import back_test
from segment_lab.pages.advice import change, one_in, with_kinds
from segment_lab.pages.choosing import in_person, treatment
from segment_lab.pages.front.grounds import Grounds
from segment_lab.pages.verdicts import PERSONAL, Page
from segment_lab.show.cards import group
from segment_lab.show.macros import Html
from segment_lab.show.tables import table
from segment_lab.texts import phrases, say
from segment_lab.texts.formats import SPOKEN, is_missing, percent


def decision_table(page: Page) -> pd.DataFrame:
    """What each segment gets: stance, campaign, who is contacted, cost, expected worth and how we
    know; as many columns as 1,280 pixels hold (how many customers there are: on the cards)."""
    rows = page.treatments
    out = pd.DataFrame(index=rows.index)
    out["stance"] = rows["stance"].map(lambda key: say(f"stance.name.{key}"))
    # Where no margin is known, page one and this page speak of the same action.
    spoken = Grounds(page).paying["action"].reindex(rows.index)
    out["action"] = spoken.fillna(rows["action"]).fillna("")
    out["verdict"] = rows["verdict"].map(lambda key: say(f"decision.verdict.{key}"))
    out["ground"] = rows["ground"].map(lambda key: say(f"decision.ground.{key}"))
    out["contacted"] = rows["contacts"]
    out["cost"], out["hours"] = rows["cost"], rows["hours"]
    idle = rows["contacts"].fillna(0) == 0
    out.loc[idle, ["contacted", "cost", "hours"]] = np.nan
    # No call is named for whom mail is enough, and nothing where nobody is.
    mailed = rows["stance"].isin(UNSTAFFED) & rows["channel"].isin(PERSONAL)
    out.loc[idle & mailed, "action"] = ""
    out.loc[rows["stance"] == EMPTY, ["action", "verdict", "ground"]] = ""
    for end in ("", "_low", "_high"):
        out[f"expected_value{end}"] = rows[f"worth{end}"]
    return out


def natural_table(page: Page) -> pd.DataFrame:
    """How many of each segment buy without a campaign, and what that says of the next period."""
    known = page.known
    shown = ["customers", "natural_rate", "natural_rate_low", "natural_rate_high"]
    out = known[shown].copy()
    ends = zip(known["next_rate_low"], known["next_rate_high"], strict=True)
    out["next_period"] = [
        say("decision.next_period", low=low, high=high) if low == low else ""
        for low, high in ends
    ]
    return out


def stance_table(page: Page) -> pd.DataFrame:
    """How every segment is served: stance, standing treatment, effort now and proposed, and what
    would change the campaign's verdict."""
    rows = page.treatments
    out = pd.DataFrame(index=rows.index)
    out["stance"] = rows["stance"].map(lambda key: say(f"stance.name.{key}"))
    people = page.people
    owners = "owner" in people and bool(people["owner"].notna().any())
    out["treatment"] = rows["stance"].map(lambda key: treatment(key, owners))
    out["owner"] = [
        _who_serves(name, stance, owners)
        for name, stance in zip(rows["owner"], rows["stance"], strict=True)
    ]
    if rows["hours_now"].notna().any():
        out["hours_now"], out["hours_proposed"] = (
            rows["hours_now"],
            rows["hours_proposed"],
        )
    out["what_would_change_it"] = [
        _change(page, str(name), row) for name, row in rows.iterrows()
    ]
    out["next_look"] = rows["next_look"]
    out.loc[rows["stance"] == EMPTY, ["owner", "what_would_change_it"]] = ""
    return out


def _who_serves(name: Any, stance: str, owners: bool) -> str:
    """Who looks after the customers of a segment from day to day."""
    named = "" if name is None or pd.isna(name) else str(name)
    facts = {"in_person": in_person(stance, owners), "owners": owners}
    return say("stance.owner", name=named, **facts)


def _change(page: Page, segment: str, row: pd.Series) -> str:
    """What would change a segment's verdict; who never ordered is not waiting for a margin."""
    if not page.at_margins and not page.known["revenue"][segment] > 0:
        return say("stance.change.no_orders")
    return change(row)


def weighed(page: Page) -> pd.DataFrame:
    """Every action of the playbook: what it costs, what it is expected to bring, and the verdict.

    ``break_even`` is null where even a buyer more for every contact could not pay for it.
    """
    rows = page.options
    out = rows[["segment", "action"]].copy()
    out["verdict"] = rows["verdict"].map(lambda key: say(f"decision.verdict.{key}"))
    out["how_we_know"] = rows["ground"].map(lambda key: say(f"decision.ground.{key}"))
    out["eligible_customers"] = rows["customers"]
    out["cost_per_contact"] = rows["cost_per_contact"]
    out["expected_per_contact_value"] = rows["effect"]
    for sign, end in ((-1, "_low"), (1, "_high")):
        reach = sign * verdicts.Z90 * rows["effect_sd"]
        out[f"expected_per_contact_value{end}"] = rows["effect"] + reach
    out["p_pays"] = rows["p_pays"]
    out["margin_per_buyer"] = rows["margin"]
    out["break_even"] = rows["break_even"].where(rows["break_even"] <= 1)
    return out


def rivals(page: Page) -> pd.DataFrame:
    """What simpler ways of spending would be expected to bring, beside the plan."""
    worth = {
        "plan": page.expected.worth,
        **page.plan.rivals,
    }
    names = phrases("decision.rival.names")
    frame = pd.DataFrame({"expected_value": worth})
    return frame.rename(index=names).rename_axis("way_of_spending")


def told_effects(page: Page) -> pd.DataFrame:
    """What each campaign did to each segment, beside what was predicted."""
    columns = ["campaign_id", "segment", "action", "treated", "held"]
    for name in ("effect", "money_effect"):
        columns += [name, f"{name}_low", f"{name}_high"]
    out = with_kinds(page.measured[[*columns, "predicted"]], "action")
    out["as_predicted"] = [_as_predicted(row) for _, row in page.measured.iterrows()]
    return out


def _as_predicted(row: pd.Series) -> str:
    """Whether an effect came as predicted, by what matters (`judge.back_test`): the effect's own
    range is what a prediction must lie in."""
    predicted, effect = float(row["predicted"]), float(row["effect"])
    low = predicted - (float(row["effect_high"]) - effect)
    high = predicted + (effect - float(row["effect_low"]))
    found = back_test(predicted, effect, low, high)
    opposite = found.opposite and found.reading in ("more", "less")
    return say(f"decision.came.{'opposite' if opposite else found.reading}")


def stages(found: pd.DataFrame, reason: str) -> pd.DataFrame:
    """The four stages (`campaigns.stages`) in words."""
    names, states = phrases("campaigns.stage.names"), phrases("campaigns.stage.states")
    rows = []
    by_stage: dict[Any, dict[Any, Any]] = found.to_dict("index")
    for stage, facts in by_stage.items():
        evidence = say(f"campaigns.stage.{stage}", reason=reason, **facts)
        rows.append((names[str(stage)], states[facts["state"]], evidence))
    columns = ["stage", "state", "evidence"]
    return pd.DataFrame(rows, columns=columns).set_index("stage")


def overturned(page: Page) -> pd.DataFrame:
    """Verdicts that a worse market would change, in words."""
    found = page.overturned()
    words = found.drop(columns="action").map(lambda key: say(f"decision.verdict.{key}"))
    return found[["action"]].join(words.rename(columns=scenario_names()))


def scenario_names() -> dict[str, str]:
    """What the scenarios of a worse market are called, by their keys."""
    return {
        name: say(f"market.scenario.{name}", **vars(scenario))
        for name, scenario in market.SCENARIOS.items()
    }


def show_margins(page: Page) -> Html:
    """What each segment would get by the share of revenue that a sale leaves; nothing where the
    margin is known."""
    if not page.at_margins:
        return group()
    columns = {}
    for rate, at in page.at_margins.items():
        header = say("decision.margin", rate=rate)
        rows = at.decided.iterrows()
        columns[header] = {str(name): _at_margin(row) for name, row in rows}
    frame = pd.DataFrame(columns)
    return table(frame, say("decision.by_margin"))


def _at_margin(row: pd.Series) -> str:
    """A verdict in words; where it is the reader's own, with what it takes to pay."""
    if not row["members"] > 0:
        return ""
    if row["verdict"] == verdicts.JUDGEMENT and one_in(row):
        return say("decision.judgement_at_margin", one_in=one_in(row))
    return say(f"decision.verdict.{row['verdict']}")


def house_rules(page: Page) -> pd.DataFrame:
    """Customers who are an exception, by segment and reason; only segments that have some."""
    counts = page.left_out
    return counts[counts.sum(axis=1) > 0]


def case_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Case figures (`kpis.collect`) in words: one column holds shares and money."""
    shown = {}
    for kpi, row in rows.iterrows():
        value, low, high, other = (
            _written(row[name], abs(row["value"]) > 1)
            for name in ("value", "value_low", "value_high", "comparison")
        )
        shown[say(f"kpis.{kpi}.name")] = {
            "figure": say("kpis.figure", value=value, low=low, high=high),
            "customers_or_leads": row["n"],
            "beside": say(f"kpis.{kpi}.beside", value=other, **row["facts"]),
            "what_it_is": say(f"kpis.{kpi}.definition", **row["facts"]),
        }
    columns = ["figure", "customers_or_leads", "beside", "what_it_is"]
    frame = pd.DataFrame.from_dict(shown, orient="index", columns=columns)
    return frame.rename_axis(say("kpis.column"))


def _written(value: float, money: bool) -> str:
    if is_missing(value):
        return "–"
    return SPOKEN["money"](value) if money else percent(value, 1)
