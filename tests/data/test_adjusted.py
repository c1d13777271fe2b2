"""Amounts that a file has before and after refunds or discounts: what is left of them counts."""

from __future__ import annotations

import pandas as pd
import pytest
from click.testing import CliRunner

import segment_lab as sl
from segment_lab.cli import main
from segment_lab.data.guess import amounts
from segment_lab.data.guess import columns as choose
from segment_lab.data.guess.facts import facts_of

ETSY = """Sale Date,Order ID,Buyer User ID,Order Total,Status,Adjusted Order Total,Adjusted Fees
01/31/2026,1,anna,35.00,Shipped,35.00,1.00
02/01/2026,2,bob,25.00,Shipped,0.00,0.00
02/13/2026,3,anna,45.00,Shipped,30.00,1.00
03/13/2026,4,cem,45.00,Shipped,45.00,1.00
"""


def amount(**columns: list[str]) -> choose.Amount:
    names = {name.replace("_", " "): cells for name, cells in columns.items()}
    found = amounts.amount(facts_of(pd.DataFrame(names, dtype="object"))[0])
    assert found is not None
    return found


def test_an_order_that_was_refunded_in_full_brought_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "etsy.csv").write_text(ETSY)
    said = CliRunner().invoke(main, ["init", "etsy.csv", "--out", "s.yml"]).output
    assert "what is left of Order Total" in said
    revenue = sl.Study.from_yaml("s.yml").customers().revenue.to_dict()
    assert revenue == {"anna": 65, "bob": 0, "cem": 45}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Order Total", "Total after discount"),
        ("Total price", "Current total price"),
        ("Sales", "Sales net of returns"),
        ("Сумма", "Сумма после возвратов"),
        ("Сумма заказа", "Сумма со скидкой"),
        ("Kwota", "Kwota po rabacie"),
        ("Wartość brutto", "Wartość brutto po korekcie"),
        ("Betrag", "Betrag nach Rabatt"),
        ("Umsatz", "Umsatz nach Retouren"),
    ],
)
def test_what_is_left_of_an_amount_is_the_amount(before, after):
    found = amount(**{before: ["100", "50", "70"], after: ["100", "45", "0"]})
    assert (found.expression, found.before) == (after, before)


def test_a_column_filled_where_something_changed_stands_in_for_the_others():
    found = amount(Total=["100", "50", "70"], Adjusted_total=[None, "0", None])
    assert found.expression == 'coalesce("Adjusted total", Total)'


def test_zero_in_most_rows_may_mean_that_nothing_changed_and_is_asked():
    found = amount(Order_Total=["100", "50", "70"], Adjusted_total=["0", "0", "40"])
    assert found.expression == "Order Total"
    assert found.beside == ("Adjusted total",)


def test_refunds_are_taken_off_once():
    off = {"Total": ["100", "50"], "Total_after_refunds": ["100", "20"]}
    assert amount(**off, Refunded=["0", "30"]).expression == "Total after refunds"
    discounted = {"Total": ["100", "50"], "Total_after_discount": ["90", "45"]}
    both = amount(**discounted, Refunded=["0", "45"]).expression
    assert both == '"Total after discount" - coalesce(Refunded, 0)'
