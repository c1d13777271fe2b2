"""Files of tests: who was contacted, who was left alone, and what came of it."""

from __future__ import annotations

from segment_lab.data.guess import columns as choose
from segment_lab.data.guess.columns import Customer
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.opening import Opened, Proposal
from segment_lab.data.guess.study_file import study_name
from segment_lab.data.guess.values import day_layout
from segment_lab.data.guess.vocabulary import ranked
from segment_lab.data.quoting import literal, quoted
from segment_lab.data.spellings import plain, spellings
from segment_lab.texts import say

#: The column of numbers where no column names the customer.
NUMBER = "row_number"
#: More different words are no arms of a test.
MOST_ARMS = 8


def is_test(columns: Columns) -> bool:
    """Whether a file says of each customer, once in each campaign, which arm he was in and what he
    did."""
    buyer, arm = choose.customer(columns), arm_of(columns)
    if arm is None:
        return False
    if buyer is None:  # each row is somebody, without a number
        return not choose.order_date(columns) and bool(outcome_of(columns, [arm]))
    once = all(columns[name].unique == 1 for name in buyer.columns)
    several = bool(ranked(columns, "campaign"))
    return (once or several) and bool(outcome_of(columns, [*buyer.columns, arm]))


def arm_of(columns: Columns) -> str | None:
    """The column of arms: few words, one of which means the control."""

    def fits(facts: Facts) -> bool:
        few = 2 <= facts.distinct <= MOST_ARMS and facts.filled >= choose.FULL
        return few and control_of(facts) is not None

    return choose.first(columns, "arm", fits)


def control_of(facts: Facts) -> str | None:
    """The word for customers who were left alone; of a column of 0 and 1 it is 0."""
    values = sorted(facts.cells.unique())
    if values == ["0", "1"]:
        return "0"
    words = {*spellings()["campaigns.arm"]["holdout"]}
    known = [v for v in values if plain(v) in words or plain(v).startswith("no ")]
    return known[0] if len(known) == 1 else None


def outcome_of(columns: Columns, taken: list[str]) -> str | None:
    """What customers did, as a number."""
    return choose.first(columns, "outcome", lambda f: f.numbers >= 0.9, taken)


def campaigns(file: Opened, proposal: Proposal) -> None:
    """A campaign with its arms and outcomes, a row a customer; orders are not needed."""
    columns = file.columns
    buyer, arm = choose.customer(columns), arm_of(columns)
    assert arm is not None
    if buyer is None:
        buyer = Customer(NUMBER, (NUMBER,), "row")
        file.source = _numbered(file)
        proposal.took.append(say("init.took.numbered_rows"))
    outcome = outcome_of(columns, [*buyer.columns, arm])
    control = control_of(columns[arm])
    assert control is not None
    used = [*buyer.columns, arm, outcome]
    named = choose.first(columns, "campaign", lambda f: f.filled >= choose.FULL, used)
    day = choose.first(columns, "assigned_on", choose.is_day, used)
    mapping = {
        "campaign_id": named or literal(study_name(file.path)),
        "customer_id": buyer.expression,
        "arm": arm,
        "control": literal(control),
        "assigned_on": day or "DATE '2026-01-01'",
        "outcome": outcome,
    }
    segment = choose.first(columns, "segment", _few_words, used)
    if segment or "segment" in columns:  # a column of that name may be that of the arms
        mapping["segment"] = segment
    source = file.source | {"columns": mapping}
    if day:
        written, doubts = day_layout(file.raw.table, day)
        source |= written
        proposal.doubts += doubts
    else:
        proposal.doubts.append(say("init.doubt.test_day"))
    proposal.sources["campaigns"] = source
    facts = {"arm": arm, "control": control, "outcome": outcome}
    proposal.took.append(say("init.took.test", **facts))
    others = [n for n in ranked(columns, "outcome") if n != outcome]
    others = [quoted(n) for n in others if columns[n].numbers >= 0.9]
    if others:
        words = {"outcome": outcome, "others": others}
        proposal.doubts.append(say("init.doubt.other_outcomes", **words))
    proposal.doubts.append(say("init.doubt.outcome_worth"))


def _numbered(file: Opened) -> dict[str, str]:
    """A file whose rows are numbered, since nothing in them names the customer."""
    read = f"read_csv({literal(file.path.name)}, all_varchar = true)"
    query = f"SELECT row_number() OVER () AS {NUMBER}, *\nFROM {read}"
    return {"url": "duckdb://", "query": query}


def _few_words(facts: Facts) -> bool:
    return 2 <= facts.distinct <= 50 and facts.filled >= choose.FULL
