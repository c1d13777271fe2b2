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
    "number",
    [
        "+48600100234",
        "+48 600 100 234",
        "+7 (916) 123-42-34",
        "8 (916) 123-42-34",
        "(022) 123 42 34",
        "600-100-234",
        "8-916-123-42-34",
        "79161234234",
        "375291234234",
    ],
)
def test_a_phone_number_that_is_an_id_is_cut_to_its_last_digits(number):
    cell = f"<th>{number}</th>"
    assert discreet(cell) == "<th>…234</th>"
    assert discreet({number: [f"Call {number}."]}, personal=True) == {
        number: [f"Call {number}."]
    }
    assert discreet([f"Call {number}."]) == ["Call …234."]


@pytest.mark.parametrize(
    "text",
    [
        "@media print",
        "C00123",
        "5 @ 7.50",
        "data:image/webp;base64,AAAA+48600100234/48600100234=",
        "2026-07-01",
        "+1,234,567,890",
        "+12\u00a0345\u00a0678\u00a0EUR",
        "EUR 12,345,678,901",
        "0000123456",
        "20260701001",
        '<td data-sort="12345678901">12,345,678,901</td>',
        "M 12345678901.5 0",
        "sha256-79161234234",
    ],
)
def test_what_is_no_address_stays(text):
    assert discreet(text) == text
