"""What is taken for money in an order log: what a person must know of it, and what it is mended
by."""

from __future__ import annotations

from segment_lab.data.guess import scale
from segment_lab.data.guess.adjusted import without_tax
from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.by_content import may_be_pieces
from segment_lab.data.guess.opening import Opened, Proposal
from segment_lab.data.guess.signs import Sold, signed
from segment_lab.data.guess.sold import missing_amounts
from segment_lab.data.guess.vocabulary import ranked, says_tax
from segment_lab.data.quoting import quoted
from segment_lab.texts import say


def told(file: Opened, proposal: Proposal, paid: Amount, found: Sold) -> None:
    """What the amounts are before or after, which column they are not, and their cents."""
    if paid.refunded:
        proposal.took.append(say("init.took.refunded", column=paid.refunded))
    if paid.before:
        facts = {
            "column": paid.columns[0],
            "before": paid.before,
        }
        proposal.took.append(say("init.took.adjusted", **facts))
    if paid.net_of:
        proposal.took.append(
            say("init.took.net_of", column=paid.columns[0], gross=paid.net_of)
        )
    elif paid.beside:
        beside = [quoted(name) for name in paid.beside]
        proposal.doubts.append(
            say("init.doubt.other_amounts", column=paid.columns[0], others=beside)
        )
    if paid.sides and not found.payments_out:
        more, less = map(quoted, paid.sides)
        proposal.doubts.append(say("init.doubt.sides", more=more, less=less))
    _tax(file, proposal, paid)
    discounts(proposal, paid)
    if paid.pieces:
        facts = {
            "column": paid.columns[0],
            "quantity": paid.pieces,
        }
        proposal.took.append(say("init.took.all_pieces", **facts))
    prices = ranked(file.columns, "unit_price") if len(paid.columns) == 1 else []
    if price := may_be_pieces(file.columns, paid.columns[0], prices):
        facts = {
            "column": quoted(paid.columns[0]),
            "price": quoted(price),
        }
        proposal.doubts.append(say("init.doubt.pieces", **facts))
    scale.cents(file, proposal, paid)
    scale.written_short(file, proposal, paid.columns)
    empty = missing_amounts(file.columns, file.frame, paid, found)
    if empty and paid.expression == paid.columns[0]:
        paid.expression = f"coalesce({quoted(paid.columns[0])}, 0)"
        proposal.took.append(
            say("init.took.no_amount", column=paid.columns[0], rows=empty)
        )
    paid.expression = scale.to_units(file, proposal, paid.expression, paid.columns)
    paid.expression = signed(paid.expression, found.lowering, file.columns)


def _tax(file: Opened, proposal: Proposal, paid: Amount) -> None:
    """Tax that is in the amounts, or of which nothing says whether it is."""
    if paid.untaxed:
        facts = {"column": paid.columns[0], "net": paid.untaxed}
        proposal.doubts.append(say("init.doubt.with_tax", **facts))
    if paid.untaxed or paid.net_of:
        return
    columns, name = file.columns, paid.columns[0]
    said = says_tax(name) or without_tax(columns, name, ()) if name in columns else True
    if said or paid.by_line or len(paid.columns) > 1:
        return
    whole = columns[name].amounts()
    for tax in ranked(columns, "tax"):
        if tax == name or columns[tax].numbers < 0.9:
            continue
        share = (columns[tax].amounts().reindex(whole.index) / whole).dropna()
        if len(share) and 0.02 < share.median() < 0.3:
            facts = {"column": name, "tax": tax}
            less = f"{quoted(name)} - coalesce({quoted(tax)}, 0)"
            proposal.doubts.append(say("init.doubt.tax_in", amount=less, **facts))
            return


def discounts(proposal: Proposal, paid: Amount) -> None:
    """A discount beside the amount: taken off, off already, or to be asked for."""
    if paid.discount is None:
        return
    found = paid.discount
    facts = {
        "column": found.discount.column,
        "amount": paid.columns[0],
        "proof": found.proof,
    }
    if found.stands == "after":
        proposal.took.append(say("init.took.after_discount", **facts))
    elif found.stands == "before":
        key = "before_discount" if found.proof else "percent_off"
        proposal.took.append(say(f"init.took.{key}", **facts))
    else:
        whole = paid.expression if paid.by_line else quoted(paid.columns[0])
        less = found.discount.off(whole)
        asked = say("init.doubt.money_off", column=found.discount.column, amount=less)
        proposal.doubts.append(asked)
