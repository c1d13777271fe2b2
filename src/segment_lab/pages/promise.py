"""What a plan promises within its own time, and how much of it hangs on one assumption."""

from __future__ import annotations

from typing import NamedTuple

from segment_lab.pages.verdicts import Page


class Promise(NamedTuple):
    """Money of a plan after its costs, within the horizon.

    Attributes
    ----------
    money : float
        Who is won brings what a buyer of his segment brings.
    single : float
        Who is won orders once.
    """

    money: float
    single: float


def promise(page: Page) -> Promise:
    """What the funded actions of a page promise, both ways.

    Whoever buys by himself often orders more than once within the horizon. Nobody knows before a
    test whether a customer who was won does so too: he is one who would not have bought.
    """
    rows = page.funded
    contacts, cost = rows["contacts"], rows["cost_per_contact"]
    promised = page.in_horizon
    money = float((contacts * promised).sum())
    if page.tested is not None:
        return Promise(money, money)  # measured in money: nothing is assumed
    known = page.known.loc[rows["segment"]].set_axis(rows.index)
    an_order = known["order_value"] * known["margin_rate"]
    share = (an_order / known["margin_in_horizon"]).clip(upper=1.0).fillna(1.0)
    single = (promised + cost) * share - cost
    return Promise(money, float((contacts * single).sum()))
