"""Addresses that are ids: on no page, in no stored notebook and not in the manifest, unless the
study says so."""

from __future__ import annotations

import pytest

from segment_lab.render.discreet import discreet


@pytest.mark.parametrize("personal", [False, True])
def test_an_address_that_is_an_id_is_shown_only_where_the_study_allows(
    run, place, personal
):
    orders = place / "orders.csv"
    orders.write_text(orders.read_text().replace("\nc", "\nanna.nowak"))
    lines = [
        line.replace(",", "@shop.pl,", 1)
        for line in orders.read_text().splitlines()[1:]
    ]
    orders.write_text("\n".join(["customer_id,order_date,amount", *lines]) + "\n")
    study = place / "study.yml"
    study.write_text(f"{study.read_text()}personal: {str(personal).lower()}\n")
    result = run(only=["data"])
    assert result.exit_code == 0
    for name in (
        "00_data.html",
        "notebooks/00_data.ipynb",
        "manifest.json",
        "index.html",
    ):
        assert ("anna.nowak" in (result.folder / name).read_text()) <= personal, name
    page = (result.folder / "00_data.html").read_text()
    assert ("anna.nowak00@shop.pl" in page) == personal
    assert ("a…@shop.pl" in page) != personal


@pytest.mark.parametrize(
    "text", ["@media print", "C00123", "5 @ 7.50", "data:image/webp;base64,AAAA"]
)
def test_what_is_no_address_stays(text):
    assert discreet(text) == text
