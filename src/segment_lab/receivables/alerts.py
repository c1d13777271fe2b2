"""Alerts on overdue debt: what is too old or too much, who answers for it, and which alerts were
needless.

An alert is raised once. The state file remembers it until the debt is settled; should it come
back, that is a new alert. Running the same day again gives the same alerts.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from segment_lab.customers.rates import with_interval
from segment_lab.data.files import neutralised, replacing
from segment_lab.errors import ConfigError, NotEnoughDataError, SegmentLabError
from segment_lab.receivables.aging import amount_bands
from segment_lab.receivables.ledger import Ledger, overdue
from segment_lab.receivables.payments import invoice_history
from segment_lab.texts import say, speaking
from segment_lab.window import as_date

NOTIFY_URL = "SEGMENT_LAB_NOTIFY_URL"
_COLUMNS = ["key", "rule", "customer_id", "invoices", "amount", "days_overdue"]


@dataclass(frozen=True)
class AlertRules:
    """When to raise an alert.

    Parameters
    ----------
    min_days : int
        An invoice overdue for at least so many days.
    min_amount : float
        A customer whose overdue invoices sum to at least this; ``inf`` switches the rule off.
    """

    min_days: int = 30
    min_amount: float = float("inf")

    def __post_init__(self) -> None:
        if self.min_days < 1 or not self.min_amount > 0:
            raise ConfigError(
                say(
                    "receivables.errors.alert_rules",
                    days=self.min_days,
                    amount=self.min_amount,
                )
            )

    @classmethod
    def from_items(
        cls,
        items: pd.DataFrame,
        min_days: int = 30,
        min_amount: float | None = None,
    ) -> AlertRules:
        """The rules with a round sum that about one overdue customer in ten reaches, where none is
        given."""
        if min_amount is None:
            sums = overdue(items).groupby("customer_id")["open_amount"].sum()
            min_amount = (amount_bands(sums, [0.9]) or [float("inf")])[0]
        return cls(min_days, min_amount)


def fire(items: pd.DataFrame, rules: AlertRules) -> pd.DataFrame:
    """What the rules say on one day, raised before or not.

    Largest first: ``key, rule`` (old / large), ``customer_id, invoices`` (ids), ``amount,
    days_overdue``.
    """
    late = overdue(items if "invoice_id" in items else items.reset_index())
    old = late[late["days_overdue"] >= rules.min_days]
    of_one: Any = [[invoice] for invoice in old["invoice_id"]]
    old = old.assign(
        key="old:" + old["invoice_id"].astype("str"),
        rule="old",
        invoices=of_one,
        amount=old["open_amount"],
    )
    by_customer = late.groupby("customer_id")
    sums = by_customer.agg(
        amount=("open_amount", "sum"), days_overdue=("days_overdue", "max")
    )
    large = sums[sums["amount"] >= rules.min_amount]
    theirs = late[late["customer_id"].isin(large.index)].groupby("customer_id")
    large = large.assign(invoices=theirs["invoice_id"].agg(list)).reset_index()
    large = large.assign(
        key="large:" + large["customer_id"].astype("str"), rule="large"
    )
    frames = [frame[_COLUMNS] for frame in (old, large) if len(frame)] or [
        old[_COLUMNS]
    ]
    out = pd.concat(frames, ignore_index=True)
    return out.sort_values(
        ["amount", "key"], ascending=[False, True], ignore_index=True
    )


def alerts(
    items: pd.DataFrame,
    rules: AlertRules,
    as_of: dt.date | str,
    *,
    owners: Mapping[str, str] | pd.Series | None = None,
    state: Path | str | None = None,
) -> pd.DataFrame:
    """Alerts of one day with the responsible person, and whether they are new.

    Parameters
    ----------
    items, rules, as_of : DataFrame, AlertRules, date
        From `open_items` on that day; when to raise one.
    owners : mapping or Series, optional
        Responsible person by ``customer_id``.
    state : path, optional
        File of alerts already raised; it is read, and replaced in one step. One that knows a later
        day is refused (ConfigError): alerts go forward in time only.

    Returns
    -------
    DataFrame
        As `fire`, with ``owner, first_raised`` and ``is_new``.
    """
    day = as_date(as_of).isoformat()
    out, known = fire(items, rules), _read(state)
    if known["as_of"] > day:
        raise ConfigError(
            say(
                "receivables.errors.alerts_later",
                state=state,
                known=known["as_of"],
                day=day,
            )
        )
    out["first_raised"] = [known["raised"].get(key, day) for key in out["key"]]
    out["is_new"] = out["first_raised"] == day
    names = pd.Series(dict(owners) if owners is not None else {}, dtype="object")
    out.insert(
        3,
        "owner",
        out["customer_id"].map(names).fillna(say("receivables.nobody")).astype("str"),
    )
    _keep(
        state,
        {
            "as_of": day,
            "raised": dict(zip(out["key"], out["first_raised"], strict=True)),
            "pushed": sorted({*known["pushed"]} & {*out["key"]}),
        },
    )
    return out


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """`alerts` as people read them: the number of invoices instead of their ids, and no key."""
    return frame.assign(invoices=frame["invoices"].map(len)).drop(columns="key")


def write(frame: pd.DataFrame, folder: Path | str) -> list[Path]:
    """``alerts.csv`` (spreadsheet formulas neutralised) and ``alerts.json`` in `folder`, each
    replaced in one step."""
    table, data = Path(folder) / "alerts.csv", Path(folder) / "alerts.json"
    with replacing(table) as draft:
        neutralised(frame.assign(invoices=frame["invoices"].map(" ".join))).to_csv(
            draft, index=False, lineterminator="\n"
        )
    with replacing(data) as draft:
        draft.write_text(
            json.dumps(frame.to_dict("records"), indent=1, ensure_ascii=False),
            encoding="utf-8",
        )
    return [table, data]


def push(
    frame: pd.DataFrame,
    title: str,
    currency: str = "",
    state: Path | str | None = None,
) -> int:
    """Send the new alerts, one message, to the addresses in the environment variable
    ``SEGMENT_LAB_NOTIFY_URL``.

    The addresses are those of the library apprise (``mailtos://…``, ``jsons://…``), separated by
    blanks. They hold secrets, so nothing is logged while they are in use. With the `state` file of
    `alerts`, what was sent is not sent again. The number of alerts sent comes back; without a new
    one, no message goes out.

    Raises
    ------
    ConfigError, SegmentLabError
        The environment variable is not set; an address could not be reached, or is none.
    """
    import apprise

    addresses, known = os.environ.get(NOTIFY_URL, "").split(), _read(state)
    if not addresses:
        raise ConfigError(say("receivables.errors.no_address", variable=NOTIFY_URL))
    new = frame[frame["is_new"] & ~frame["key"].isin(known["pushed"])]
    if new.empty:
        return 0
    body = "\n".join(_line(alert, currency) for alert in new.to_dict("records"))
    was = logging.root.manager.disable
    # The mail and web libraries below apprise write addresses into their log lines.
    logging.disable()
    try:
        target = apprise.Apprise()
        sent = all(target.add(address) for address in addresses) and target.notify(
            body=body, title=title
        )
    finally:
        logging.disable(was)
    if not sent:
        raise SegmentLabError(say("receivables.errors.not_sent", variable=NOTIFY_URL))
    _keep(
        state,
        {
            **known,
            "pushed": sorted({*known["pushed"], *new["key"]}),
        },
    )
    return len(new)


def _line(alert: Mapping[Any, Any], currency: str) -> str:
    with speaking(currency=currency):
        return say("receivables.alerts.line", **alert)


def backtest(
    ledger: Ledger,
    as_of: dt.date | str,
    rules: AlertRules,
    days: int = 30,
    months: int = 24,
) -> pd.DataFrame:
    """The rules at past month ends: how many alerts, and how many were paid within `days` anyway.

    "Anyway" means with whatever reminders were sent then, so the share is an upper end of the
    needless alerts. The baseline is what no rule picked: overdue items without an alert at the
    same month ends.

    Per rule and for ``no alert``: ``alerts`` (items for the baseline), ``per_month, paid`` and the
    share ``paid_share`` with an interval (customers, not items, are independent).
    """
    ledger.need_payments()
    last = as_date(as_of) - dt.timedelta(days=days)
    stops = [day for day in ledger.month_starts(as_of, months) if day <= last]
    stock = overdue(ledger.balances(stops)) if stops else pd.DataFrame()
    if stock.empty:
        raise NotEnoughDataError(
            say("receivables.errors.backtest", days=days, as_of=as_of)
        )
    # Plain texts: they are looked up at every month end, and Arrow's are slow to look up.
    stock["invoice_id"] = stock["invoice_id"].astype("object")
    closed = invoice_history(ledger, as_of)["closed_on"]
    invoices, closed_on = closed.index.to_numpy(dtype="object"), closed.to_numpy()
    found: list[pd.DataFrame] = []
    before: set[str] = set()
    for stop in stops:
        late = stock[stock["as_of"] == pd.Timestamp(stop)]
        until = pd.Timestamp(stop + dt.timedelta(days=days)).to_datetime64()
        in_time = set(invoices[closed_on <= until])
        fired = fire(late, rules)
        fired["paid"] = [in_time.issuperset(ids) for ids in fired["invoices"]]
        found.append(fired[~fired["key"].isin(before)])
        quiet = late[~late["invoice_id"].isin(fired["invoices"].explode())]
        found.append(
            quiet.assign(rule="no alert", paid=quiet["invoice_id"].isin(in_time))
        )
        before = set(fired["key"])
    all_ = pd.concat(
        [frame[["rule", "customer_id", "paid"]] for frame in found if len(frame)]
    )
    out = pd.DataFrame(index=pd.Index(["old", "large", "no alert"], name="rule"))
    groups = [all_[all_["rule"] == rule] for rule in out.index]
    out["alerts"] = [len(group) for group in groups]
    out["per_month"] = out["alerts"] / len(stops)
    out["paid"] = [int(group["paid"].sum()) for group in groups]
    shares = [
        _clustered(group["paid"].astype(float), group["customer_id"])
        for group in groups
    ]
    return out.join(pd.DataFrame(shares, index=out.index))


def _clustered(paid: pd.Series, customer: pd.Series) -> pd.Series:
    """Share paid with Wilson's interval at the effective sample size: items of one customer share
    their fate.

    The design effect compares the variance between customers with that of independent items (Kish
    1965); where all or none were paid, customers are counted instead of items.
    """
    n, share = len(paid), paid.mean() if len(paid) else 0.0
    by = (paid - share).groupby(customer).sum()
    effective = (
        len(by)
        if share in (0, 1)
        else min(n, n**2 * share * (1 - share) / max(float((by**2).sum()), 1e-9))
    )
    return with_interval([share * effective], [effective], "paid_share").iloc[0]


def _read(state: Path | str | None) -> dict[str, Any]:
    known: dict[str, Any] = {
        "as_of": "",
        "raised": {},
        "pushed": [],
    }
    return (
        known
        if state is None or not Path(state).exists()
        else json.loads(Path(state).read_text(encoding="utf-8"))
    )


def _keep(state: Path | str | None, known: dict[str, Any]) -> None:
    if state is not None:
        with replacing(state) as draft:
            draft.write_text(json.dumps(known, indent=1), encoding="utf-8")
