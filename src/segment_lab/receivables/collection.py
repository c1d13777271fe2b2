"""From overdue items to what is done about them: causes, treatments, checklist, and valuable
customers in debt."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.config.levels import TAILS
from segment_lab.customers.rates import with_interval
from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables.ledger import Ledger, overdue, settings
from segment_lab.receivables.payments import (
    RECENT_DAYS,
    invoice_history,
    receivables_table,
)
from segment_lab.texts import say
from segment_lab.window import as_date


def causes(items: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Why each overdue item is not paid, and what to do about it.

    A recorded cause is used. Where none is recorded, the first sign that holds gives a
    *suggestion* with its evidence; without any sign the cause stays open. Signs and treatments:
    ``config/receivables.yml``.

    `items` come from `open_items`, `customers` from `receivables_table` of the same day. Per
    overdue item ``customer_id, open_amount, days_overdue, cause, source`` (recorded / suggested /
    unknown), ``evidence, treatment``.
    """
    rows = overdue(items)
    suggested = _suggestions(rows, customers)
    known = rows["cause"].isin(settings()["causes"])
    out = rows[["customer_id", "open_amount", "days_overdue"]].copy()
    out["cause"] = rows["cause"].where(known, suggested["cause"])
    out["source"] = np.select(
        [known, suggested["cause"].notna()], ["recorded", "suggested"], "unknown"
    )
    out["evidence"] = suggested["evidence"].mask(
        known, say("receivables.evidence.recorded")
    )
    out["treatment"] = out["cause"].fillna("unknown").map(treatment)
    return out


def treatment(cause: str) -> str:
    """What is done about debt of a cause."""
    return say(f"receivables.treatments.{cause}")


def by_cause(found: pd.DataFrame) -> pd.DataFrame:
    """`causes` summed up, most money first: per cause and source the treatment, ``invoices`` and
    ``amount``."""
    by = found.fillna({"cause": "unknown"}).groupby(["cause", "source", "treatment"])[
        "open_amount"
    ]
    sums = pd.DataFrame(
        {
            "invoices": by.size(),
            "amount": by.sum(),
        }
    )
    return sums.sort_values("amount", ascending=False, kind="stable").reset_index(
        "treatment"
    )


def suggestion_check(items: pd.DataFrame, customers: pd.DataFrame) -> pd.Series:
    """How often the suggestion agrees where a cause *is* recorded, beside always naming the
    commonest cause.

    ``recorded`` (items), ``suggested`` (of those, items with a sign), ``agree`` with its interval,
    and ``baseline``; shares of the suggested items, null when there are none.
    """
    rows = overdue(items)
    rows = rows[rows["cause"].isin(settings()["causes"])]
    guess = _suggestions(rows, customers)["cause"]
    made = guess.notna()
    truth = rows.loc[made, "cause"]
    share = with_interval([(guess[made] == truth).sum()], [made.sum()], "agree").iloc[0]
    commonest = truth.value_counts(normalize=True).max() if len(truth) else np.nan
    return pd.Series(
        {
            "recorded": len(rows),
            "suggested": int(made.sum()),
            **share,
            "baseline": commonest,
        }
    )


def _suggestions(rows: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Cause and evidence per item from the first sign that holds; null and a plain word where none
    does."""
    signs = settings()["signs"]
    of = customers.reindex(rows["customer_id"]).set_index(rows.index)
    of = of.assign(slower=of["late_recent"] - of["late_before"])
    small = rows["open_amount"] <= rows["open_amount"].quantile(signs["small_quantile"])
    fewer = of["invoiced_recent"] <= signs["falling_share"] * of["invoiced_before"]
    slower = of["slower"] >= signs["slower_days"]
    # Who owed nothing that was due kept no silence.
    quiet = np.minimum(of["days_since_payment"], rows["days_overdue"])
    silent = quiet >= signs["silence_days"]
    able = of["largest_paid"] >= rows["open_amount"]
    rules = [
        ("our_failure", "disputed", _is(rows["disputed"], True)),
        ("our_failure", "question", _is(rows["questions_open"], True)),
        ("our_failure", "papers", _is(rows["documents_sent"], False)),
        ("consignment", "consignment", _is(rows["consignment"], True)),
        ("cash_trouble", "parts", of["parts_share"] >= signs["parts_share"]),
        ("cash_trouble", "slower", slower & fewer),
        ("deliberate", "silent", silent & able),
        ("not_a_priority", "late", (of["late_share"] >= signs["late_share"]) & small),
    ]
    out = pd.DataFrame(
        {
            "cause": pd.Series(None, rows.index, dtype="str"),
            "evidence": pd.Series(
                say("receivables.evidence.none"), rows.index, dtype="str"
            ),
        }
    )
    for cause, sign, holds in reversed(rules):
        facts = of[holds].to_dict("records")
        out.loc[holds, "cause"] = cause
        out.loc[holds, "evidence"] = [
            say(f"receivables.evidence.{sign}", **row) for row in facts
        ]
    return out


def checklist(items: pd.DataFrame) -> pd.DataFrame:
    """What must be in order before an overdue item is collected.

    Per overdue item the answers ``yes / no / not recorded``, ``ready`` (every answer is yes) and
    ``next_step``.
    """
    rows = overdue(items)
    good = {
        "invoice_issued": rows["issue_date"].notna(),
        "documents_sent": _is(rows["documents_sent"], True),
        "statement_sent": _is(rows["statement_sent"], True),
        "questions_answered": _is(rows["questions_open"], False),
    }
    known = {name: rows[name].notna() for name in ("documents_sent", "statement_sent")}
    known["questions_answered"] = rows["questions_open"].notna()
    out = rows[["customer_id", "open_amount", "days_overdue"]].copy()
    steps: Any = pd.Series(
        [[] for _ in rows.index],
        rows.index,
        dtype="object",
    )
    for name, fine in good.items():
        recorded = known.get(name, pd.Series(True, rows.index))
        out[name] = np.select([fine, ~recorded], ["yes", "not recorded"], "no")
        for invoice, reply in out.loc[out[name] != "yes", name].items():
            reason = "do" if reply == "no" else "ask"
            steps[invoice].append(say(f"receivables.checklist.{name}.{reason}"))
    out["ready"] = (out[list(good)] == "yes").all(axis=1)
    out["next_step"] = steps.map("; ".join).where(
        ~out["ready"], say("receivables.collect")
    )
    return out


def value_payment(
    value: pd.Series,
    payment: pd.Series,
    overdue_amount: pd.Series,
) -> pd.DataFrame:
    """Customers and overdue money by value class (rows) and by how they pay: ``(customers |
    overdue, segment)``.

    All three by ``customer_id``; classes and segments are ordered categoricals, customers without
    an amount owe nothing.
    """
    rows = pd.DataFrame(
        {
            "value": value,
            "payment": payment.reindex(value.index),
            "overdue": overdue_amount.reindex(value.index).fillna(0.0),
        }
    )
    by = rows.groupby(["value", "payment"], observed=False)["overdue"]
    return pd.concat(
        {
            "customers": by.size().unstack(),
            "overdue": by.sum().unstack(),
        },
        axis=1,
    )


def exposure(
    customers: pd.DataFrame,
    who: pd.Index,
    *,
    horizon_days: int = 90,
) -> pd.DataFrame:
    """What each customer of `who` owes, and would owe if shipping goes on as before for
    `horizon_days`.

    Expected invoices follow the customer's own rate of the last `RECENT_DAYS`: invoices per day
    times their mean amount. The interval is the predictive one of a Poisson rate (negative
    binomial, Jeffreys prior); it leaves out that amounts vary, and `exposure_check` says how well
    it holds.

    `customers` come from `receivables_table`; those without invoices owe nothing and are left out.
    Per customer, most overdue first: ``overdue_amount, max_days_overdue, open_amount, expected``
    with interval and ``exposure`` = open + expected.
    """
    from scipy.stats import nbinom

    rows = customers.loc[customers.index.intersection(who)]
    out = rows[["overdue_amount", "max_days_overdue", "open_amount"]].copy()
    n, scale = rows["invoices_recent"], horizon_days / RECENT_DAYS
    money = rows["invoiced_recent"]
    mean = (money / n).where(n > 0, rows["mean_invoice"])
    out["expected"] = money * scale
    for end, level in zip(("_low", "_high"), TAILS, strict=True):
        out[f"expected{end}"] = nbinom.ppf(level, n + 0.5, 1 / (1 + scale)) * mean
    out["exposure"] = out["open_amount"] + out["expected"]
    return out.sort_values(["overdue_amount", "exposure"], ascending=False)


def exposure_check(
    ledger: Ledger,
    as_of: dt.date | str,
    horizon_days: int = 90,
) -> pd.Series:
    """The expectation made `horizon_days` ago for every customer, beside what was invoiced since.

    ``customers, expected, happened`` (money), and ``inside``: the share of customers whose
    invoices fell into their interval (it should be near 95 %). NotEnoughDataError where nobody had
    been invoiced by then.
    """
    then = as_date(as_of) - dt.timedelta(days=horizon_days)
    customers = receivables_table(ledger, then)
    if customers.empty:
        raise NotEnoughDataError(
            say("receivables.errors.nobody_then", days=horizon_days)
        )
    forecast = exposure(customers, customers.index, horizon_days=horizon_days)
    history = invoice_history(ledger, as_of)
    since = (
        history[history["issue_date"] >= pd.Timestamp(then)]
        .groupby("customer_id")["amount"]
        .sum()
    )
    happened = since.reindex(forecast.index).fillna(0.0)
    inside = happened.between(forecast["expected_low"], forecast["expected_high"])
    return pd.Series(
        {
            "customers": len(forecast),
            "expected": forecast["expected"].sum(),
            "happened": happened.sum(),
            "inside": inside.mean(),
        }
    )


def _is(flags: pd.Series, value: bool) -> pd.Series:
    """Where a nullable flag is known to be `value`."""
    return flags.map(lambda flag: pd.notna(flag) and bool(flag) is value).astype(bool)
