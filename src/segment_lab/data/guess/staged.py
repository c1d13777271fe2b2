"""Leads with a column of days for each stage: created, contacted, qualified, won, lost."""

from __future__ import annotations

from typing import Any

from segment_lab.data.guess import amounts, scale
from segment_lab.data.guess import columns as choose
from segment_lab.data.guess.facts import Columns
from segment_lab.data.guess.opening import Opened, Proposal
from segment_lab.data.guess.values import day_layout, layout, number_layout
from segment_lab.data.guess.vocabulary import normal, ranked, vocabulary
from segment_lab.data.quoting import literal, quoted
from segment_lab.texts import say

#: Fewer days side by side are those of orders.
FEW = 3


def stages(columns: Columns) -> list[str]:
    """The columns of days, in the order of the file, where a row is a lead: some were created, at
    least one more stage is named, and not all came to the last."""
    dated = [
        name
        for name, facts in columns.items()
        if len(facts.cells) and facts.days >= 0.9 and not _is_no_stage(name)
    ]
    named = [name for name in dated if _kind(name)]
    kinds = {_kind(name) for name in named}
    partly = any(columns[name].filled < choose.FULL for name in named)
    ends = bool(kinds & {"won", "lost"})
    if len(named) < FEW or not partly or not ends or "step" not in kinds:
        return []
    created = choose.first(columns, "created_on", lambda facts: facts.days >= 0.9)
    begun = [created] if created and created not in named else []
    return [*begun, *named]


def _kind(name: str) -> str | None:
    """What a stage's header says of a lead: ``won``, ``lost``, or a ``step`` on the way."""
    words = f" {normal(name)} "
    for kind in ("lost", "won", "step"):
        known = vocabulary()["stages"][kind]
        if any(f" {word}" in words for word in known):
            return kind
    return None


def _is_no_stage(name: str) -> bool:
    return bool(ranked([name], "due_date"))


def leads(file: Opened, proposal: Proposal) -> None:
    """Leads with their status by the last stage that has a day, and the stages one by one."""
    columns = file.columns
    names = stages(columns)
    taken = list(names)
    number = choose.first(columns, "lead_id", lambda facts: facts.unique == 1, taken)
    number = number or choose.order_id(columns, file.frame, None, taken)
    buyer = choose.customer(columns, [*taken, number or ""])
    lead = number or (buyer.expression if buyer else names[0])
    ended = [name for name in names if _kind(name) in ("won", "lost")]
    steps = [name for name in names if name not in ended]
    cases = [
        f"WHEN {quoted(name)} IS NOT NULL THEN {literal(name)}"
        for name in [*ended, *reversed(steps)]
    ]
    mapping: dict[str, str] = {
        "lead_id": lead,
        "status": f"CASE {' '.join(cases)} END",
        "created_on": names[0],
    }
    mapping |= {"customer_id": buyer.expression} if buyer else {}
    for name, role in (("owner", "owner"), ("source", "lead_source")):
        found = choose.first(columns, role, lambda f: f.filled > 0.3, taken)
        mapping |= {name: found} if found else {}
    written, doubts = day_layout(file.raw.table, *names)
    proposal.sources["leads"] = file.source | {"columns": mapping} | written
    proposal.doubts += doubts
    won = [name for name in ended if _kind(name) == "won"]
    lost = [name for name in ended if _kind(name) == "lost"]
    proposal.methods["leads"] = {"won": won, "lost": lost}
    proposal.took.append(say("init.took.staged", columns=names))
    paid = amounts.amount(columns, taken)
    if paid:
        paid.expression = scale.to_units(file, proposal, paid.expression, paid.columns)
        mapping["value"] = paid.expression
        marks = number_layout(file.raw.table, paid.expression)
        proposal.sources["leads"] |= marks
    if paid and buyer and won:
        _sold(file, proposal, mapping, won, written)
    _one_by_one(file, proposal, lead, names, written)


def _sold(
    file: Opened,
    proposal: Proposal,
    lead: dict[str, str],
    won: list[str],
    written: dict[str, Any],
) -> None:
    """Won leads are orders of the day they were won."""
    days = ", ".join(map(quoted, won))
    mapping = {
        "customer_id": lead["customer_id"],
        "order_id": lead["lead_id"],
        "order_date": won[0] if len(won) == 1 else f"coalesce({days})",
        "amount": lead["value"],
    }
    there = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in won)
    marks, doubts = layout(file.raw.table, won[0], lead["value"])
    proposal.sources["orders"] = (
        file.source | {"where": there, "columns": mapping} | marks
    )
    proposal.doubts += doubts
    proposal.methods |= {"rfm": {}, "abc": {}, "lifecycle": {}, "clusters": {}}
    rows = sum(len(file.columns[name].cells) for name in won)
    proposal.took.append(say("init.took.staged_sold", columns=won, rows=rows))


def _one_by_one(
    file: Opened,
    proposal: Proposal,
    lead: str,
    names: list[str],
    written: dict[str, Any],
) -> None:
    """The table of stages, a row each, by a query over a plain file."""
    plain = set(file.source) <= {"path"} and file.path.suffix.lower() == ".csv"
    if not plain or lead not in file.columns:
        proposal.doubts.append(say("init.doubt.staged_query"))
        return
    source = f"read_csv({literal(file.path.name)}, all_varchar = true)"
    parts = [
        f"SELECT {quoted(lead)} AS lead_id, {literal(name)} AS stage, "
        f"{quoted(name)} AS entered_on FROM {source} WHERE {quoted(name)} IS NOT NULL"
        for name in names
    ]
    proposal.sources["lead_stages"] = {
        "url": "duckdb://",
        "query": "\nUNION ALL\n".join(parts),
        "columns": {
            "lead_id": "lead_id",
            "stage": "stage",
            "entered_on": "entered_on",
        },
    } | written
