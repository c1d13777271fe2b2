"""The tables of the sample CRM under their canonical names, and the files written from them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from segment_lab.sample import contacts, receivables, sales
from segment_lab.sample.population import Clock, order_days, population

DICTIONARY = yaml.safe_load(
    files(__package__).joinpath("dictionary.yml").read_text("utf-8")
)
MONEY = ("amount", "margin", "value", "potential", "cost_per_contact")
#: Date columns and the day numbers they come from.
DATES = {
    "order_date": "day",
    "issue_date": "day",
    "due_date": "due_day",
    "settled_date": "settled_day",
    "payment_date": "day",
    "created_on": "day",
    "entered_on": "day",
    "touch_date": "day",
    "assigned_on": "day",
    "dropped_out_on": "dropped_day",
    "paid_on": "paid_day",
}


def generate(
    seed: int = 7,
    customers: int = 2000,
    as_of: str = "2026-07-01",
    years: int = 3,
) -> dict[str, pd.DataFrame]:
    """All tables of the sample CRM; nothing in them happens on or after `as_of`.

    Parameters
    ----------
    seed, customers : int
        Same seed, same tables. Customers, prospects without an order included; at least 100 (else
        ConfigError).
    as_of, years : str, int
        The day after the last day of data, and the length of the history; at least 2 (else
        ConfigError).

    Returns
    -------
    dict of str to DataFrame
        By table name: the canonical tables, and what was planted in ``truth``, ``truth_campaigns``,
        ``truth_invoices`` and ``truth_leads``. Money in currency units, dates as timestamps.
    """
    clock, people, orders, raw = _core(seed, customers, as_of, years)
    raw["invoices"], raw["payments"], raw["truth_invoices"] = receivables.invoices(
        people, raw["orders"], clock, seed
    )
    raw["leads"], raw["lead_stages"] = contacts.leads(people, orders, clock, seed)
    # A customer who was a lead first has been known since then.
    since = raw["leads"].groupby("who")["day"].min().reindex(people.index)
    people["created_day"] = np.fmin(people["created_day"], since)
    raw["touches"] = contacts.touches(people, orders, raw["campaigns"], clock, seed)
    raw |= {
        "contact_costs": sales.COSTS,
        "truth_leads": raw["leads"],
        "truth": _truth(people, seed),
    }
    return {name: _finish(name, raw[name], people, clock) for name in DICTIONARY}


def campaign_trial(
    seed: int,
    customers: int = 2000,
    as_of: str = "2026-07-01",
    years: int = 3,
) -> dict[str, pd.DataFrame]:
    """Only ``customers``, ``orders``, ``campaigns`` and ``truth_campaigns``, in a fraction of the
    time.

    Equal to what `generate` makes, but for the day on which customers who were leads became known.
    """
    clock, people, _, raw = _core(seed, customers, as_of, years)
    return {name: _finish(name, table, people, clock) for name, table in raw.items()}


def write(
    folder: str | Path,
    seed: int = 7,
    customers: int = 2000,
    as_of: str = "2026-07-01",
    years: int = 3,
) -> list[Path]:
    """Write the tables as CSV (UTF-8, ``\\n``, money with two decimals) and the dictionary
    ``README.md``; the files."""
    folder, tables = Path(folder), generate(seed, customers, as_of, years)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        money = {
            column: table[column].map("{:.2f}".format)
            for column in MONEY
            if column in table
        }
        table.assign(**money).to_csv(
            folder / f"{name}.csv",
            index=False,
            lineterminator="\n",
            encoding="utf-8",
            date_format="%Y-%m-%d",
            float_format="%.4f",
        )
    made = (
        f"seed {seed}, {customers:,} customers, {years} years up to {as_of} (exclusive)"
    )
    (folder / "README.md").write_bytes(_readme(tables, made).encode())
    return [*(folder / f"{name}.csv" for name in tables), folder / "README.md"]


def _core(
    seed: int, customers: int, as_of: str, years: int
) -> tuple[Clock, pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Customers, campaigns and the orders they led to: what everything else hangs on."""
    clock = Clock.ending(as_of, years)
    people = population(seed, customers, clock)
    natural, people["dropped_day"] = order_days(people, clock, seed)
    orders, campaigns, effects = sales.run_campaigns(people, natural, clock, seed)
    counts = [
        o.groupby("who").size().reindex(people.index, fill_value=0)
        for o in (orders, natural)
    ]
    people["campaign_orders"] = counts[0] - counts[1]
    lines = sales.order_lines(people, orders, clock, seed)
    return (
        clock,
        people,
        orders,
        {
            "customers": people,
            "orders": lines,
            "campaigns": campaigns,
            "truth_campaigns": effects,
        },
    )


def _truth(people: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The latent behaviour per customer."""
    payer = receivables.payers(people, seed)["payer"].where(people["company"])
    return people.assign(payer_type=payer).rename(
        columns={
            "segment": "latent_segment",
            "rate": "rate_per_year",
            "dropout": "dropout_probability",
        }
    )


def _finish(
    name: str,
    table: pd.DataFrame,
    people: pd.DataFrame,
    clock: Clock,
) -> pd.DataFrame:
    """Canonical columns in canonical order: ids for customer numbers, dates for days, money for
    cents."""
    columns, table = list(DICTIONARY[name]["columns"]), table.copy()
    if "who" in table:
        table["customer_id"] = people["customer_id"].reindex(table["who"]).to_numpy()
    if name == "customers":
        table["day"] = table["created_day"]
    for column in DATES.keys() & set(columns):
        table[column] = clock.dates(table[DATES[column]])
    if name in ("orders", "invoices", "payments"):
        cents = table.columns.intersection(["amount", "margin"])
        table[cents] = table[cents] / 100
    return table[columns].reset_index(drop=True)


def _readme(tables: dict[str, pd.DataFrame], made: str) -> str:
    """The data dictionary: every file with its number of rows and every column with its meaning."""
    text = [
        "# Sample CRM",
        "",
        "An invented company that sells coffee and tea, written by `segment-lab sample`: "
        f"{made}. The same seed gives the same bytes. Money in EUR. "
        "What was planted is in the `truth` files; "
        "only tests read them.",
        "",
    ]
    for name, table in tables.items():
        about, columns = DICTIONARY[name]["about"], DICTIONARY[name]["columns"]
        text += [
            f"## {name}.csv",
            "",
            f"{about} {len(table):,} rows.",
            "",
            "| column | meaning |",
            "|---|---|",
            *(f"| {column} | {meaning} |" for column, meaning in columns.items()),
            "",
        ]
    return "\n".join(text)
