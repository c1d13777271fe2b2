"""The decision in words: sentences and cards of a `Page`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pandas as pd

from segment_lab.act import verdicts
from segment_lab.act.audiences import EXCEPTIONS
from segment_lab.act.effects import calibration
from segment_lab.act.evidence import OWN, RETURNERS
from segment_lab.act.stance import EMPTY, STANCES
from segment_lab.pages.front.links import card_link
from segment_lab.pages.promise import promise
from segment_lab.pages.verdicts import Page
from segment_lab.show.cards import card, details, group
from segment_lab.show.macros import Html
from segment_lab.texts import has, phrases, say, shown

#: Segments are named in a sentence up to so many; more are counted.
NAMED = 3
#: So many of the largest customers are named where each is decided by name.
GIANTS = 5
#: A campaign is named as the one that most comes from, if it brings this share of all.
MOSTLY = 0.5
#: Stances that somebody is served by, in the order in which they are told.
SERVED = tuple(stance for stance in STANCES if stance != EMPTY)


def opening(page: Page) -> list[str]:
    """The decision in two to four sentences: whom to contact for what money, where most of it
    comes from, how every segment is served, and who is treated apart."""
    first, *_ = _decided(page)
    if page.at_margins:
        return [*_served(page), first]
    if page.funded.empty:
        return [*_served(page), first, *_exceptions(page)]
    return [first, *_mostly(page), *_served(page), *_exceptions(page)]


def particulars(page: Page) -> list[str]:
    """What else there is to say of it: who does it by when, which action for whom, what waits."""
    return _decided(page)[1:]


def _decided(page: Page) -> list[str]:
    """The verdicts in plain words, the message first; by margin, where the data know none."""
    if page.at_margins:
        return _by_margin(page)
    funded = page.funded
    if funded.empty and (page.decided["verdict"] == verdicts.JUDGEMENT).all():
        first = page.decided.iloc[0]
        why = reason(page, str(page.decided.index[0]), first)
        names = [str(name) for name in page.decided.index]
        return [say("decision.headline.nobody"), why, _by_name(page, names)]
    out = []
    mains = funded[funded["role"] != verdicts.BESIDE]
    # Where only tests are paid for, what they cost stands beside them.
    if len(mains):
        expected = page.expected
        out.append(
            say(
                "decision.headline.contact",
                customers=funded["contacts"].sum(),
                cost=page.plan.spent,
                hours=page.plan.hours,
                worth=expected.worth,
                low=expected.low,
                high=expected.high,
            )
        )
        out += _of_the_year_after(page, mains)
        out.append(_by_whom(page, [str(name) for name in mains["segment"]]))
    tests = funded[funded["role"] == verdicts.BESIDE]
    decided = page.decided.reset_index()
    stopped = page.options[page.options["verdict"] == verdicts.STOP]
    out += _said("do_it", mains[mains["verdict"] == verdicts.DO])
    out += _said("watch", mains[mains["verdict"] == verdicts.WATCH])
    out += _said("test", tests, cost=tests["cost"].sum())
    out += _said("stop", stopped)
    out += _said("later", decided[decided["status"] == "later"])
    judged = decided[
        (decided["status"] == verdicts.JUDGEMENT) & (decided["members"] > 0)
    ]
    bought = judged["segment"].map(page.known["revenue"]) > 0
    if bought.any():
        names = _names(judged.loc[bought, "segment"])
        out.append(
            say("decision.headline.judgement", segments=names, fewest=page.rules.fewest)
        )
        out.append(_by_name(page, names))
    if not bought.all():
        names = _names(judged.loc[~bought, "segment"])
        out.append(say("decision.headline.no_orders", segments=names))
    idle = decided[decided["status"] == verdicts.NOT_WORTH]
    if len(idle):
        count = idle["members"].sum()
        names = list(idle["segment"])
        out.append(say("decision.headline.idle", segments=names, customers=count))
    return out


def _mostly(page: Page) -> list[str]:
    """The one campaign among several that most of the expected money comes from, if one does."""
    done = page.treatments
    done = done[(done["status"] == "main") & (done["worth"] > 0)]
    if len(done) < 2:
        return []
    name = str(done["worth"].idxmax())
    row = done.loc[name]
    if row["worth"] < MOSTLY * page.expected.worth:
        return []
    facts = {key: row[key] for key in ("contacts", "cost", "worth")}
    action = shown(row["action"])
    return [say("decision.headline.mostly", segment=name, action=action, **facts)]


def _served(page: Page) -> list[str]:
    """How the segments are served, with the customers and the revenue behind each stance."""
    rows = page.treatments.join(page.known["revenue"])
    total = rows["revenue"].sum()
    told = []
    for stance in SERVED:
        theirs = rows[(rows["stance"] == stance) & (rows["members"] > 0)]
        if theirs.empty:
            continue
        revenue = theirs["revenue"].sum()
        sentence = say(
            f"decision.served.{stance}",
            segments=_names(theirs.index.to_series()),
            customers=theirs["members"].sum(),
            revenue=revenue,
            share=revenue / total if total > 0 else 0.0,
        )
        told.append(sentence)
    return [" ".join(told)] if told else []


def _by_whom(page: Page, segments: list[str]) -> str:
    """Who does what is funded, and when its result is read."""
    rows = page.treatments.loc[segments]
    who = rows["owner"].fillna(say("decision.headline.marketing")).unique()
    known = page.now.window is not None
    days = (
        {
            "start": page.start,
            "day": page.read_on,
        }
        if known
        else {}
    )
    return say("decision.headline.when", who=list(who), **days)


def _of_the_year_after(page: Page, mains: pd.DataFrame) -> list[str]:
    """How much of the expected worth comes within the horizon, where the year after a return
    counts."""
    if not (mains["margin_basis"] == RETURNERS).any():
        return []
    soon = promise(page).money
    return [say("decision.headline.year_after", soon=soon, days=page.horizon)]


def _said(key: str, rows: pd.DataFrame, **facts: Any) -> list[str]:
    if rows.empty:
        return []
    return [
        say(
            f"decision.headline.{key}",
            groups="; ".join(_groups(rows)),
            **facts,
        )
    ]


def _groups(rows: pd.DataFrame) -> list[str]:
    """Who gets what, by kind of action: ``e-mail for A and B (413)``."""
    out = []
    for kind, part in rows.groupby("kind", sort=False):
        names = [str(name) for name in part["segment"]]
        key = "decision.group" if len(names) <= NAMED else "decision.group_many"
        count = part["customers"].sum()
        out.append(
            say(
                key,
                kind=kind_name(str(kind)),
                segments=names,
                customers=count,
            )
        )
    return out


def kind_name(kind: str) -> str:
    """A kind of action as readers know it."""
    return say(f"decision.kind.{kind}") if has(f"decision.kind.{kind}") else kind


def with_kinds(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The same rows with the kinds of action in a column as readers know them."""
    return rows.assign(**{column: rows[column].astype(str).map(kind_name)})


def _names(segments: pd.Series) -> list[str]:
    return [str(segment) for segment in segments]


def _exceptions(page: Page) -> list[str]:
    counts = page.left_out.sum()
    reasons = _reasons(counts)
    if not reasons:
        return []
    return [
        say("decision.headline.exceptions", customers=counts.sum(), reasons=reasons)
    ]


def _reasons(counts: Mapping[str, Any] | pd.Series) -> list[str]:
    present = [name for name in EXCEPTIONS if counts[name] > 0]
    return [say(f"decision.reasons.{name}", count=counts[name]) for name in present]


def _by_margin(page: Page) -> list[str]:
    """From which margin on which segments are worth a contact, and for which it cannot be told."""
    found = page.worth_from()
    members = next(iter(page.at_margins.values())).decided["members"]
    found = found[members.reindex(found.index) > 0]
    out = [say("decision.headline.unknown_margin")]
    for rate, rows in found.groupby("margin_rate"):
        names = _names(rows.index.to_series())
        facts = {"rate": rate, "least": rate == min(page.at_margins)}
        out.append(say("decision.headline.worth_from", segments=names, **facts))
    never = found[found["margin_rate"].isna()]
    few = never["customers"] < page.rules.fewest
    highest = max(page.at_margins)
    if (~few).any():
        names = _names(never.index[~few].to_series())
        out.append(say("decision.headline.worth_never", rate=highest, segments=names))
    if few.any():
        names = _names(never.index[few].to_series())
        out.append(say("decision.headline.too_few", segments=names))
        out.append(_by_name(page, names))
    if page.costs is None:
        out.append(say("decision.headline.assumed_costs"))
    unknown, *rates = out
    first = " ".join([unknown, *rates[:1]])
    return [first, *rates[1:], say("decision.headline.declare_margin")]


def _by_name(page: Page, segments: list[str]) -> str:
    """The largest customers of segments that are decided by name, and what is at stake."""
    labels = page.now.labels.astype(str)
    revenue = page.now.align(page.people)["revenue"]
    largest = revenue[labels.isin(segments)].nlargest(GIANTS)
    named = [
        say("decision.headline.account", name=n, revenue=r) for n, r in largest.items()
    ]
    share = largest.sum() / revenue.sum() if revenue.sum() > 0 else 0.0
    return say(
        "decision.headline.by_name", names=named, customers=len(named), share=share
    )


def reason(page: Page, segment: str, row: pd.Series) -> str:
    """Why a segment gets that verdict; every figure in it entered the rule that decided."""
    verdict = row["verdict"]
    if not row["members"] > 0:
        return say("decision.why.empty")
    if verdict == verdicts.HOUSE_RULE:
        return say("decision.why.house_rule")
    if np.isnan(row["margin"]):
        others = page.known["margin_per_conversion"].notna().any()
        never = others and not page.known["revenue"][segment] > 0
        return say(f"decision.why.{'no_orders' if never else 'unknown_margin'}")
    if np.isnan(row["natural_rate"]):
        return say("decision.why.unknown_rate")
    belief = page.beliefs[row["belief"]]
    uplift = belief.buyers.mean[belief.segments.index(segment)]
    facts = {**row, "expected_uplift": uplift}
    if verdict == verdicts.JUDGEMENT:
        return say(
            "decision.why.too_few", customers=row["customers"], one_in=one_in(row)
        )
    facts["test_cost"] = row["tested"] * row["cost_per_contact"]
    entry = page.entry(segment, row["action"])
    pays = say("decision.why.pays", **facts)
    if page.tested is not None and entry is not None:
        pays = entry.rationale
    why = [pays, say(f"decision.why.{verdict}", **facts)]
    left_out = _reasons(row)
    if left_out:
        why.append(say("decision.why.left_out", reasons=left_out))
    return " ".join(why)


def one_in(row: pd.Series) -> int:
    """Of how many contacted one must buy because of it, so that an action pays; 0 where it cannot
    be told."""
    needed = row["break_even"]
    return int(1 / needed) if 0 < needed <= 1 else 0


def change(row: pd.Series | Mapping[Any, Any]) -> str:
    """What would change the verdict of a row of `Page.treatments`."""
    facts = dict(row)
    if pd.isna(facts["break_even"]) or pd.isna(facts["expected_uplift"]):
        return say("decision.headline.declare_margin")
    return say(f"stance.change.{facts['verdict']}", **facts)


def effort_remark(page: Page) -> str:
    """Hours freed and where they go."""
    rows = page.treatments
    freed = rows["hours_freed"]
    if freed.isna().all():
        return say("stance.no_effort")
    return say(
        "stance.effort",
        segments=list(rows.index[freed > 0]),
        freed=freed.sum(),
        total=rows["hours_now"].sum(),
        receivers=list(rows.index[rows["hours_gained"] > 0]),
    )


def cards(page: Page) -> Html:
    """A card per segment: the verdict, why, and the evidence; those left alone are folded."""
    act: list[Html] = []
    leave: list[Html] = []
    for segment, row in page.decided.iterrows():
        facts = cast(pd.Series, page.known.loc[str(segment)])
        if not facts["customers"]:
            continue
        shown = _card(page, str(segment), row, facts)
        acting = row["status"] in ("main", "test")
        (act if acting else leave).append(shown)
    if not act or not leave:
        return group(*act, *leave)
    folded = details(say("decision.left_alone", segments=len(leave)), group(*leave))
    return group(group(*act), folded)


def _card(page: Page, segment: str, row: pd.Series, facts: pd.Series) -> Html:
    stance = page.treatments["stance"].loc[segment]
    figures: dict[str, Any] = {
        "stance": say(f"stance.name.{stance}"),
        "how_we_know": say(f"decision.ground.{row['ground']}"),
        "customers": facts["customers"],
        "change_in_customers": facts["change"],
        "share_of_revenue": facts["revenue_share"],
        "share_of_margin": facts["margin_share"],
        "share_of_contact_time": facts.get("effort_share"),
    }
    known = {k: v for k, v in figures.items() if isinstance(v, str) or pd.notna(v)}
    if "change_in_customers" in known:
        known["change_in_customers"] = say("decision.change", change=facts["change"])
    known["share_that_buys_anyway"] = natural(facts)
    return card(
        f"{shown(segment)}: {shown(row['action'])}",
        known,
        verdict=say(f"decision.verdict.{row['verdict']}"),
        tone=phrases("decision.tone")[row["verdict"]],
        body=reason(page, segment, row),
        href=card_link(segment),
    )


def natural(facts: Mapping[str, Any] | pd.Series) -> str:
    """Who buys anyway, and of how many customers that is known."""
    whose = ""
    if facts["natural_source"] != OWN:
        whose = say(f"trials.natural.{facts['natural_source']}")
    return say(
        "decision.natural",
        rate=facts["natural_rate"],
        n=facts["natural_n"],
        low=facts["natural_rate_low"],
        high=facts["natural_rate_high"],
        whose=whose,
    )


def budget_remark(page: Page) -> str:
    """Limits, what the plan takes of them, and what more would earn."""
    plan = page.plan
    limits = []
    if page.budget is not None:
        limits.append(say("decision.budget_remark.money", money=page.budget))
    if page.hours is not None:
        limits.append(say("decision.budget_remark.hours", hours=page.hours))
    facts = {
        "spent": plan.spent,
        "hours": plan.hours,
        "limits": limits,
    }
    out = [say("decision.budget_remark.takes", **facts)]
    if page.budget is not None:
        out.append(
            say("decision.budget_remark.price_of_money", price=plan.price_of_money)
        )
    if page.hours is not None:
        out.append(
            say("decision.budget_remark.price_of_hour", price=plan.price_of_hour)
        )
    if plan.next_funded is not None:
        added = [
            f"{shown(segment)}: {shown(action)}"
            for segment, action in plan.next_funded.added
        ]
        unit = plan.next_funded.resource
        extra = say(f"decision.budget_remark.more_{unit}", extra=plan.next_funded.extra)
        out.append(say("decision.budget_remark.next", added=added, extra=extra))
    kept = promise(page)
    if round(kept.money) != round(kept.single):
        facts = {
            "days": page.horizon,
            "promised": kept.money,
            "single": kept.single,
        }
        out.append(say("decision.budget_remark.promised", **facts))
    return " ".join(out)


def calibration_remark(page: Page) -> str:
    """How well the effects were predicted."""
    kept = calibration(page.measured)
    if not kept["hypotheses"]:
        return say("campaigns.none_predicted")
    missed = round(kept["hypotheses"] * (1 - kept["inside_share"]))
    return say("decision.predicted_effects", missed=missed, **kept)
