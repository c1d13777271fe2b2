"""The tables a study may read, and their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

Kind = Literal["id", "text", "date", "money", "number", "flag"]


@dataclass(frozen=True)
class Column:
    """One canonical column. A `required` column must be mapped, and a row without a value is
    rejected."""

    name: str
    kind: Kind
    required: bool = False


@dataclass(frozen=True)
class Contract:
    """A table's columns. `key` must be unique where given; `extras` keeps columns beyond the named
    ones."""

    name: str
    columns: tuple[Column, ...]
    key: str | None = None
    extras: bool = False

    def column(self, name: str) -> Column:
        """The column called `name`."""
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Canonical column names, in order."""
        return tuple(c.name for c in self.columns)


def _contract(
    name: str,
    spec: str,
    key: str | None = None,
    extras: bool = False,
) -> Contract:
    """A contract from words such as ``amount!:money``; the mark means required."""
    columns = []
    for word in spec.split():
        column, kind = word.split(":")
        required = column.endswith("!")
        columns.append(Column(column.rstrip("!"), cast("Kind", kind), required))
    return Contract(name, tuple(columns), key, extras)


_ALL = (
    _contract(
        "orders",
        "customer_id!:id order_id:id order_date!:date amount!:money margin:money product:text "
        "quantity:number currency:text",
    ),
    _contract(
        "customers",
        "customer_id!:id name:text email:text customer_type:text industry:text region:text "
        "owner:text consent:flag vip:flag created_on:date",
        "customer_id",
        extras=True,
    ),
    _contract("merges", "customer_id!:id merge_into!:id agrees:text"),
    _contract(
        "customer_summary",
        "customer_id!:id orders!:number revenue!:money last_order!:date first_order:date "
        "margin:money currency:text",
        "customer_id",
        extras=True,
    ),
    _contract(
        "invoices",
        "invoice_id!:id customer_id!:id issue_date!:date due_date:date amount!:money kind:text "
        "disputed:flag cause:text consignment:flag settled_date:date related_invoice_id:id "
        "documents_sent:flag statement_sent:flag questions_open:flag currency:text",
        "invoice_id",
    ),
    _contract(
        "payments",
        "payment_id:id invoice_id!:id payment_date!:date amount!:money currency:text",
    ),
    _contract(
        "leads",
        "lead_id!:id customer_id:id created_on:date source:text owner:text segment:text "
        "value:money status:text currency:text",
        "lead_id",
        extras=True,
    ),
    _contract("lead_stages", "lead_id!:id stage!:text entered_on!:date"),
    _contract(
        "touches",
        "touch_id:id customer_id!:id touch_date!:date channel!:text event!:text topic:text "
        "campaign_id:id minutes:number",
    ),
    _contract(
        "campaigns",
        "campaign_id!:id customer_id!:id arm!:text assigned_on!:date horizon_days:number "
        "scheme:text segment:text action:text cost_per_contact:number predicted_uplift:number "
        "control:text probability:number outcome:number outcome_worth:number "
        "promised:number offer:text",
    ),
    _contract(
        "contact_costs",
        "action!:text channel:text cost_per_contact!:number minutes_per_contact:number",
        "action",
    ),
)
CONTRACTS: Mapping[str, Contract] = {contract.name: contract for contract in _ALL}
#: Measures of the customer table, which keep their meaning whatever an accounts file calls its
#: columns: its own of these names are left out.
MEASURES = frozenset(
    {
        "lines",
        "revenue",
        "frequency",
        "margin",
        "touches",
        "offer",
        "recency_days",
        "t_x",
        "tenure_days",
        "repeat_frequency",
        "monetary_value",
        "gap_days",
        "return_share",
        "first_order",
        "last_order",
        "p_active",
        "expected_orders",
        "expected_revenue",
    }
)
#: `reason` says why a row was set aside, and `state` whether a customer still buys: an account's
#: own go by other names.
RENAMED = {"reason": "account_reason", "state": "account_state"}


def renamed(name: str, contract: Contract) -> str:
    """The name that a column of the source's own goes by."""
    if name == "reason" or contract.key == "customer_id":
        return RENAMED.get(name, name)
    return name
