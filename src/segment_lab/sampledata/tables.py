"""The tables of the sample CRM under their canonical names, and the files written from them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from segment_lab.sampledata import contacts, receivables, sales
from segment_lab.sampledata.population import SEGMENTS, Clock, order_days, population

#: The columns of every file, in order.
COLUMNS = {
    "customers": "customer_id name email customer_type industry region owner consent vip created_on employees potential",
    "orders": "customer_id order_id order_date amount margin product quantity",
    "invoices": "invoice_id customer_id issue_date due_date amount kind disputed cause consignment settled_date "
                "related_invoice_id documents_sent statement_sent questions_open",
    "payments": "payment_id invoice_id payment_date amount",
    "leads": "lead_id customer_id created_on source owner segment value status industry region employees "
             "website_visits response_hours budget_confirmed decision_maker demo_held close_note",
    "lead_stages": "lead_id stage entered_on",
    "touches": "touch_id customer_id touch_date channel event topic campaign_id minutes",
    "campaigns": "campaign_id customer_id arm assigned_on horizon_days scheme segment action cost_per_contact "
                 "predicted_uplift",
    "contact_costs": "action channel cost_per_contact minutes_per_contact",
    "truth": "customer_id latent_segment rate_per_year dropout_probability dropped_out_on payer_type campaign_orders",
    "truth_campaigns": "campaign_id name segment planted_effect natural_rate",
    "truth_invoices": "invoice_id real_cause never_paid paid_on",
    "truth_leads": "lead_id win_probability wins",
}
MONEY = ("amount", "margin", "value", "potential", "cost_per_contact")
COSTS = [("email", "email", .05, 0), ("discount", "email", 9.0, 1), ("gift", "post", 18.0, 4), ("call", "call", 6.5, 12),
         ("visit", "visit", 85.0, 90)]


def generate(seed: int = 7, customers: int = 2000, as_of: str = "2026-07-01", years: int = 3) -> dict[str, pd.DataFrame]:
    """All tables of the sample CRM; nothing in them happens on or after `as_of`.

    Parameters
    ----------
    seed : int
        Same seed, same tables.
    customers : int
        Customers, prospects without an order included; at least 100.
    as_of : str
        The day after the last day of data.
    years : int
        Length of the history; at least 2.

    Returns
    -------
    dict of str to DataFrame
        By table name: the canonical tables, and what was planted in ``truth``, ``truth_campaigns``,
        ``truth_invoices`` and ``truth_leads``. Money in currency units, dates as timestamps.

    Raises
    ------
    ConfigError
        For fewer customers or years than the planted behaviour needs.
    """
    clock, people, orders, raw = _core(seed, customers, as_of, years)
    raw["invoices"], raw["payments"], raw["truth_invoices"] = receivables.invoices(people, raw["orders"], clock, seed)
    raw["leads"], raw["lead_stages"] = contacts.leads(people, orders, clock, seed)
    # A customer who was a lead first has been known since then.
    known = raw["leads"].query("who >= 0").groupby("who")["day"].min()
    people["created_day"] = np.minimum(people["created_day"], known.reindex(people.index, fill_value=np.inf))
    raw["touches"] = contacts.touches(people, orders, raw["campaigns"], clock, seed)
    raw["contact_costs"] = pd.DataFrame(COSTS, columns=COLUMNS["contact_costs"].split())
    raw["truth_leads"] = raw["leads"]
    raw["truth"] = _truth(people, orders, seed)
    return _finish(raw, people, clock)


def campaign_trial(seed: int, customers: int = 2000, as_of: str = "2026-07-01",
                   years: int = 3) -> dict[str, pd.DataFrame]:
    """Only customers, orders, campaigns and ``truth_campaigns``: the same as `generate` makes, several times faster."""
    clock, people, _, raw = _core(seed, customers, as_of, years)
    return _finish(raw, people, clock)


def write(folder: str | Path, seed: int = 7, customers: int = 2000, as_of: str = "2026-07-01",
          years: int = 3) -> list[Path]:
    """Write the tables as CSV (UTF-8, ``\\n``, money with two decimals) and the data dictionary ``README.md``.

    Returns
    -------
    list of Path
        The files written. `folder` is made where it does not exist.
    """
    folder = Path(folder)
    tables = generate(seed, customers, as_of, years)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in tables.items():
        texts = table.assign(**{c: table[c].map("{:.2f}".format) for c in MONEY if c in table})
        paths.append(folder / f"{name}.csv")
        texts.to_csv(paths[-1], index=False, lineterminator="\n", encoding="utf-8", date_format="%Y-%m-%d",
                     float_format="%.4f")
    paths.append(folder / "README.md")
    dictionary = files("segment_lab.sampledata").joinpath("dictionary.md").read_text("utf-8")
    paths[-1].write_bytes(dictionary.encode())
    return paths


def _core(seed: int, customers: int, as_of: str,
          years: int) -> tuple[Clock, pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Customers, campaigns and the orders they led to: what everything else hangs on."""
    clock = Clock.ending(as_of, years)
    people = population(seed, customers, clock)
    natural, people["dropped_day"] = order_days(people, clock, seed)
    orders, campaigns, effects = sales.run_campaigns(people, natural, clock, seed)
    people["natural_orders"] = natural.groupby("who").size().reindex(people.index, fill_value=0)
    lines = sales.order_lines(people, orders, clock, seed)
    return clock, people, orders, {"customers": people, "orders": lines, "campaigns": campaigns, "truth_campaigns": effects}


def _truth(people: pd.DataFrame, orders: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The latent behaviour per customer."""
    payer = receivables.PAYERS["name"].to_numpy()[receivables.payers(people, seed)["payer"]]
    total = orders.groupby("who").size().reindex(people.index, fill_value=0)
    return people.assign(
        who=people.index, latent_segment=SEGMENTS["name"].to_numpy()[people["code"]], rate_per_year=people["rate"],
        dropout_probability=people["dropout"], payer_type=np.where(people["company"], payer, None),
        campaign_orders=total - people["natural_orders"])


def _finish(raw: dict[str, pd.DataFrame], people: pd.DataFrame, clock: Clock) -> dict[str, pd.DataFrame]:
    """Canonical columns in canonical order: ids for customer numbers, dates for days, money for cents."""
    day_columns = {"order_date": "day", "issue_date": "day", "due_date": "due_day", "settled_date": "settled_day",
                   "payment_date": "day", "entered_on": "day", "touch_date": "day", "assigned_on": "day",
                   "dropped_out_on": "dropped_day"}
    finished = {}
    for name, columns in COLUMNS.items():
        if name not in raw:
            continue
        table = raw[name].copy()
        if "customer_id" not in table and "who" in table:
            ids = people["customer_id"].reindex(table["who"]).to_numpy()
            table["customer_id"] = ids
        for target in columns.split():
            source = {"created_on": "created_day" if name == "customers" else "day"}.get(target, day_columns.get(target))
            if source:
                table[target] = clock.dates(table[source])
        if name in ("orders", "invoices", "payments"):
            cents = [c for c in ("amount", "margin") if c in table]
            table[cents] = table[cents] / 100
        finished[name] = table[columns.split()].reset_index(drop=True)
    return finished
