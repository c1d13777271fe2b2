"""Who the customers of an order log are: one under several ids, many under one, or nobody."""

from __future__ import annotations

from segment_lab.data.guess import columns as choose
from segment_lab.data.guess import people
from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.columns import Customer
from segment_lab.data.guess.facts import Facts
from segment_lab.data.guess.opening import Opened, Proposal
from segment_lab.data.guess.signs import Sold
from segment_lab.data.quoting import quoted
from segment_lab.texts import say

#: So few customers in so many rows are rather groups of customers.
FEW_CUSTOMERS, MANY_ROWS = 4, 100
#: A long number as a spreadsheet shows it: its last digits are lost.
CUT_OFF = r"\d([.,]\d+)?[eE]\+\d+"


def nobody(
    file: Opened,
    proposal: Proposal,
    buyer: Customer,
    paid: Amount,
    found: Sold,
) -> None:
    """Rows that name no customer, where most do: a till's anonymous sales."""
    if not all(name in file.frame for name in buyer.columns):
        return
    frame = file.frame[found.rows]
    nobody = frame[list(buyer.columns)].isna().all(axis=1)
    share = float(nobody.mean()) if len(frame) else 0.0
    if not nobody.any():
        return
    facts = {
        "column": buyer.columns[0],
        "rows": int(nobody.sum()),
        "all": len(frame),
    }
    if paid.columns[0] in file.columns:
        amounts = file.columns[paid.columns[0]].amounts()
        if " * " in paid.expression:
            amounts = amounts * file.columns[paid.columns[1]].amounts()
        amounts = amounts.reindex(frame.index).fillna(0)
        facts |= {
            "money": amounts[nobody].sum(),
            "total": amounts.sum(),
        }
    else:
        facts |= {"money": None, "total": None}
    if 0.05 < share <= 0.5:
        names = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in buyer.columns)
        found.conditions.append(f"({names})" if len(buyer.columns) > 1 else names)
        proposal.doubts.append(say("init.doubt.nobody_left_out", **facts))
    elif share > 0.5 and not any(
        buyer.columns[0] in doubt for doubt in proposal.doubts
    ):
        proposal.doubts.append(say("init.doubt.nobody", **facts))


def one_customer(file: Opened, proposal: Proposal, buyer: Customer) -> None:
    """One customer under several ids, or many under one."""
    column = buyer.columns[0]
    if buyer.kind == "several":
        proposal.took.append(say("init.took.first_of_several", column=column))
    if buyer.kind == "email" and column in file.columns:
        file.source["casefold"] = ["customer_id"]
        proposal.took.append(say("init.took.casefold", column=column))
    _guests(file, proposal, buyer)
    _written_differently(file, proposal, buyer)
    _no_customers(file, proposal, buyer)
    order = file.source["columns"].get("order_id", "")
    for name in dict.fromkeys((column, order)):
        _cut_off(file, proposal, name)


def _cut_off(file: Opened, proposal: Proposal, name: str) -> None:
    """Ids of which a spreadsheet left the first digits alone."""
    if name not in file.columns:
        return
    cells = file.columns[name].cells
    cut = cells[cells.str.fullmatch(CUT_OFF)]
    if len(cut):
        told = {
            "rows": len(cut),
            "example": cut.iloc[0],
        }
        proposal.doubts.append(say("init.doubt.cut_ids", column=name, **told))


def _guests(file: Opened, proposal: Proposal, buyer: Customer) -> None:
    """An id that stands for unknown buyers, told apart by their e-mail where there is one."""
    unknown = people.guests(file.raw.table, buyer)
    if not unknown:
        return
    guest, rows, following = unknown
    words = {
        "guest": guest,
        "rows": rows,
        "following": following,
        "column": buyer.columns[0],
    }
    mail = choose.first(file.columns, "email", lambda f: f.filled >= choose.FULL)
    if mail and mail not in buyer.columns and people.is_guest(guest):
        apart = people.without_guests(buyer, guest, mail)
        file.source["columns"]["customer_id"] = apart
        proposal.took.append(say("init.took.guests", mail=mail, **words))
    else:
        proposal.doubts.append(say("init.doubt.guests", **words))


def _written_differently(file: Opened, proposal: Proposal, buyer: Customer) -> None:
    """Ids that are one when written alike; the first way that finds some is taken."""
    columns = file.source["columns"]
    facts = file.columns.get(buyer.columns[0])
    phones = facts is not None and _are_phones(facts, buyer)
    for mend in people.mends(file.raw.table, buyer, phones):
        if columns["customer_id"] == buyer.expression:
            columns["customer_id"] = mend.expression
            words = {
                "merged": mend.merged,
                "examples": list(mend.examples),
            }
            proposal.took.append(say(f"init.took.mended_{mend.key}", **words))


def _are_phones(facts: Facts, buyer: Customer) -> bool:
    if facts.phones <= 0.9:
        return False
    international = facts.cells.str.contains("+", regex=False)
    return buyer.kind == "phone" or bool(international.any())


def _no_customers(file: Opened, proposal: Proposal, buyer: Customer) -> None:
    """Ids of groups of customers, of codes or of records."""
    column = buyer.columns[0]
    facts = file.columns.get(column)
    if facts is not None and facts.distinct <= FEW_CUSTOMERS and facts.rows > MANY_ROWS:
        few = say("init.doubt.few_customers", column=column, customers=facts.distinct)
        proposal.doubts.append(few)
    if buyer.kind == "code":
        proposal.doubts.append(say("init.doubt.code", column=column))
    record = facts is not None and facts.unique == 1 and len(facts.cells) >= MANY_ROWS
    if record and buyer.kind in ("id", "given"):
        proposal.doubts.append(say("init.doubt.unique_customer", column=column))
