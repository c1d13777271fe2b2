"""The sample CRM: the same bytes for a seed, tables that fit together, and the planted behaviour
really in them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segment_lab import sample as sampledata
from segment_lab.data.contracts import CONTRACTS
from segment_lab.errors import ConfigError
from segment_lab.sample.population import PLAN, SEGMENTS

COMMITTED = Path(__file__).resolve().parents[2] / "data" / "sample"
AS_OF, START = pd.Timestamp("2026-07-01"), pd.Timestamp("2023-07-01")
HAPPENED = {
    "orders": "order_date",
    "invoices": "issue_date",
    "payments": "payment_date",
    "touches": "touch_date",
    "campaigns": "assigned_on",
    "leads": "created_on",
    "lead_stages": "entered_on",
    "customers": "created_on",
}


@pytest.fixture(scope="module")
def crm() -> dict[str, pd.DataFrame]:
    return sampledata.generate()


@pytest.fixture(scope="module")
def sales(crm) -> pd.DataFrame:
    return crm["orders"][crm["orders"]["amount"] > 0]


@pytest.fixture(scope="module")
def segment(crm) -> pd.Series:
    return crm["truth"].set_index("customer_id")["latent_segment"]


def response(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Treated minus holdout share of buyers within the horizon, with its standard error and the
    planted effect."""
    lines = tables["orders"][tables["orders"]["amount"] > 0]
    pairs = tables["campaigns"].merge(
        lines[["customer_id", "order_date"]], on="customer_id", how="left"
    )
    days = (pairs["order_date"] - pairs["assigned_on"]).dt.days
    pairs["bought"] = (days >= 0) & (days < pairs["horizon_days"])
    people = pairs.groupby(["campaign_id", "segment", "arm", "customer_id"])[
        "bought"
    ].any()
    share = (
        people.groupby(["campaign_id", "segment", "arm"])
        .agg(["mean", "size"])
        .reset_index("arm")
    )
    arms = [share[share["arm"] == arm] for arm in ("treatment", "holdout")]
    variance = sum(a["mean"] * (1 - a["mean"]) / a["size"] for a in arms)
    table = pd.DataFrame(
        {"effect": arms[0]["mean"] - arms[1]["mean"], "error": np.sqrt(variance)}
    )
    return table.join(
        tables["truth_campaigns"].set_index(["campaign_id", "segment"])[
            "planted_effect"
        ]
    )


# Files


def test_committed_files_are_what_the_generator_writes(tmp_path):
    paths = sampledata.write(tmp_path)
    assert sorted(p.name for p in paths) == sorted(p.name for p in COMMITTED.iterdir())
    different = [
        p.name for p in paths if p.read_bytes() != (COMMITTED / p.name).read_bytes()
    ]
    assert different == [], "write data/sample again with `segment-lab sample`"
    assert sum(p.stat().st_size for p in paths) < 5_000_000


def test_another_seed_gives_other_data(crm):
    other = sampledata.generate(seed=8)
    assert not other["orders"].equals(crm["orders"])
    assert [list(t.columns) for t in other.values()] == [
        list(t.columns) for t in crm.values()
    ]


def test_text_of_the_files_is_plain_csv_with_exact_money():
    raw = (COMMITTED / "orders.csv").read_bytes()
    assert b"\r" not in raw
    orders = pd.read_csv(COMMITTED / "orders.csv", dtype=str)
    for column in ("amount", "margin"):
        assert orders[column].str.fullmatch(r"-?\d+\.\d\d").all()
    assert "Łukasik" in (COMMITTED / "customers.csv").read_text("utf-8")


def test_files_read_back_equal_the_tables(crm):
    for name, table in crm.items():
        text = pd.read_csv(COMMITTED / f"{name}.csv", dtype=str, keep_default_na=False)
        assert len(text) == len(table), name
        for column in table.select_dtypes("datetime"):
            assert (
                pd.to_datetime(text[column].replace("", None)).dropna()
                == table[column].dropna()
            ).all()


def test_dictionary_lists_every_column_of_every_file():
    sections = re.split(
        r"^## (\S+)\.csv$", (COMMITTED / "README.md").read_text("utf-8"), flags=re.M
    )[1:]
    listed = {
        name: re.findall(r"^\| (\w+) \| \S", body, flags=re.M)[1:]
        for name, body in zip(sections[::2], sections[1::2], strict=True)
    }
    actual = {
        p.stem: p.read_text("utf-8").split("\n", 1)[0].split(",")
        for p in COMMITTED.glob("*.csv")
    }
    assert listed == actual


def test_campaign_trial_is_the_same_world(crm):
    trial = sampledata.campaign_trial(7)
    for name in ("orders", "campaigns", "truth_campaigns"):
        pd.testing.assert_frame_equal(trial[name], crm[name])


@pytest.mark.parametrize("wrong", [{"customers": 99}, {"years": 1}, {"as_of": "July"}])
def test_impossible_requests_are_refused(wrong):
    with pytest.raises(ConfigError):
        sampledata.generate(**wrong)


@pytest.mark.parametrize(("customers", "years"), [(100, 2), (300, 4)])
def test_other_sizes_work(customers, years):
    tables = sampledata.generate(
        seed=1, customers=customers, as_of="2024-02-29", years=years
    )
    assert len(tables["customers"]) == customers
    assert tables["orders"]["order_date"].max() < pd.Timestamp("2024-02-29")
    assert all(len(table) for table in tables.values())


# Tables that fit together


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("customers", ["customer_id"]),
        ("invoices", ["invoice_id"]),
        ("payments", ["payment_id"]),
        ("leads", ["lead_id"]),
        ("touches", ["touch_id"]),
        ("campaigns", ["campaign_id", "customer_id"]),
        ("contact_costs", ["action"]),
        ("orders", ["order_id", "product"]),
        ("lead_stages", ["lead_id", "stage"]),
        ("truth", ["customer_id"]),
    ],
)
def test_keys_are_unique_and_filled(crm, table, key):
    assert not crm[table].duplicated(key).any()
    assert crm[table][key].notna().all(axis=None)


@pytest.mark.parametrize(
    ("table", "column", "target"),
    [
        *(
            (t, "customer_id", "customers")
            for t in ("orders", "invoices", "leads", "touches", "campaigns", "truth")
        ),
        ("payments", "invoice_id", "invoices"),
        ("lead_stages", "lead_id", "leads"),
        ("touches", "campaign_id", "campaigns"),
        ("campaigns", "action", "contact_costs"),
        ("truth_invoices", "invoice_id", "invoices"),
    ],
)
def test_references_resolve(crm, table, column, target):
    assert crm[table][column].dropna().isin(crm[target][column]).all()


def test_nothing_happens_before_a_customer_is_known_or_at_as_of(crm):
    known = crm["customers"].set_index("customer_id")["created_on"]
    for name, column in HAPPENED.items():
        table = crm[name]
        assert table[column].notna().all()
        assert table[column].max() < AS_OF, name
        if name not in ("customers", "payments", "lead_stages"):
            own = table.dropna(subset=["customer_id"])
            assert (
                own[column].to_numpy() >= known[own["customer_id"]].to_numpy()
            ).all(), name
    assert crm["orders"]["order_date"].min() >= START
    assert crm["invoices"]["settled_date"].max() < AS_OF


def test_odd_identifiers_and_names_are_in(crm):
    customers = crm["customers"].set_index("customer_id")
    assert {"007", "042", "00100", "0E5"} <= set(customers.index)
    assert customers["name"].str.startswith(("@", "+")).sum() == 2


def test_a_return_undoes_lines_of_its_order_and_not_more(crm, sales):
    back = crm["orders"][crm["orders"]["amount"] < 0]
    pairs = back.assign(order_id=back["order_id"].str.removeprefix("R-")).merge(
        sales,
        on=["order_id", "product", "customer_id"],
        how="left",
        suffixes=("", "_sold"),
    )
    assert pairs["amount_sold"].notna().all()
    assert (-pairs["amount"] <= pairs["amount_sold"]).all()
    assert (pairs["order_date"] > pairs["order_date_sold"]).all()
    assert 0.1 < (-pairs["quantity"] < pairs["quantity_sold"]).mean() < 0.4


# Customers and orders


def test_shares_of_the_planted_segments_are_as_planned(crm, segment):
    share = segment.value_counts(normalize=True)[SEGMENTS.index]
    assert np.allclose(share, SEGMENTS["share"], atol=0.001)
    ordered = crm["truth"]["customer_id"].isin(crm["orders"]["customer_id"])
    assert (ordered == (crm["truth"]["latent_segment"] != "prospect")).all()


def test_repeat_share_and_concentration_are_those_of_a_real_base(crm, sales):
    orders = sales.groupby("customer_id")["order_id"].nunique()
    assert 0.45 <= (orders > 1).mean() <= 0.60
    revenue = (
        crm["orders"]
        .groupby("customer_id")["amount"]
        .sum()
        .sort_values(ascending=False)
    )
    assert 0.65 <= revenue.head(round(0.2 * len(revenue))).sum() / revenue.sum() <= 0.80
    assert revenue.iloc[0] > 100 * revenue.median()


def test_december_is_the_peak_of_every_year(sales):
    months = sales.groupby(sales["order_date"].dt.to_period("M"))["amount"].sum()
    assert months.groupby((months.index - 6).year).idxmax().dt.month.tolist() == [
        12,
        12,
        12,
    ]


def test_downturn_fewer_customers_smaller_baskets_slower_payment(crm, sales):
    half = {
        year: sales[sales["order_date"].between(f"{year}-01-01", f"{year}-06-30")]
        for year in (2025, 2026)
    }
    customers = {year: lines["customer_id"].nunique() for year, lines in half.items()}
    basket = {
        year: lines.groupby("order_id")["amount"].sum().median()
        for year, lines in half.items()
    }
    assert customers[2026] < 0.85 * customers[2025]
    assert basket[2026] < 0.92 * basket[2025]
    due = crm["invoices"].merge(crm["truth_invoices"]).query("not never_paid")
    delay = (
        (due["paid_on"] - due["due_date"])
        .dt.days.groupby(due["due_date"].dt.year)
        .mean()
    )
    assert delay[2026] > 1.3 * delay[2024]


def test_drop_out_ends_natural_orders(crm, sales):
    truth = crm["truth"].set_index("customer_id")
    treated = crm["campaigns"].query("arm == 'treatment'")["customer_id"]
    gone = truth[truth["dropped_out_on"].notna() & ~truth.index.isin(treated)]
    assert (gone["campaign_orders"] == 0).all()
    last = sales.groupby("customer_id")["order_date"].max().reindex(gone.index)
    assert len(gone) > 100
    assert (last <= gone["dropped_out_on"]).all()


def test_segments_differ_as_planted(crm, sales, segment):
    owner = sales["customer_id"].map(segment)
    holidays = sales["order_date"].dt.month.isin([11, 12]).groupby(owner).mean()
    assert holidays["seasonal"] > 0.75 > 0.4 > holidays["regular"]
    back = (
        -crm["orders"]
        .query("amount < 0")
        .groupby(crm["orders"]["customer_id"].map(segment))["amount"]
        .sum()
    )
    returned = back / sales.groupby(owner)["amount"].sum()
    assert returned["bargain"] > 4 * returned["regular"]
    last = (AS_OF - sales.groupby("customer_id")["order_date"].max()).dt.days
    assert (
        last.groupby(segment).median()["lapsed"]
        > 4 * last.groupby(segment).median()["regular"]
    )


def test_clustering_recovers_a_useful_part(crm, sales, segment):
    from sklearn.metrics import adjusted_rand_score
    from sklearn.mixture import GaussianMixture
    from sklearn.preprocessing import StandardScaler

    by = sales.groupby("customer_id")
    days = (AS_OF - by["order_date"].max()).dt.days
    frequency = by["order_id"].nunique()
    features = np.log1p(
        pd.DataFrame({"r": days, "f": frequency, "m": by["amount"].sum() / frequency})
    )
    labels = GaussianMixture(4, random_state=0, reg_covar=1e-3).fit_predict(
        StandardScaler().fit_transform(features)
    )
    truth = segment[features.index]
    assert (
        adjusted_rand_score(truth, labels) > 0.35
    )  # from R, F and M alone; .46–.51 over seeds
    assert (
        abs(adjusted_rand_score(truth, np.random.default_rng(0).permutation(labels)))
        < 0.03
    )


# Campaigns


def test_arms_are_balanced_within_segments(crm):
    planned = {c["id"]: c["treated"] for c in PLAN["campaigns"]}
    treated = (
        (crm["campaigns"]["arm"] == "treatment")
        .groupby([crm["campaigns"]["campaign_id"], crm["campaigns"]["segment"]])
        .agg(["sum", "size"])
    )
    expected = treated["size"] * treated.index.get_level_values(0).map(planned)
    assert (treated["sum"] - expected).abs().max() <= 0.5
    spend = crm["orders"].groupby("customer_id")["amount"].sum()
    first = crm["campaigns"].query("campaign_id == 'K1'")
    mean = spend.reindex(first["customer_id"]).groupby(first["arm"].to_numpy()).median()
    assert mean["treatment"] == pytest.approx(mean["holdout"], rel=0.35)


def test_planted_effects_are_in_the_orders(crm):
    table = response(crm)
    assert (
        (table["effect"] - table["planted_effect"]).abs() < 3 * table["error"] + 0.01
    ).all()


@pytest.mark.slow
def test_effects_are_unbiased_over_seeds():
    tables = [response(sampledata.campaign_trial(seed)) for seed in range(100, 112)]
    mean = sum(t["effect"] for t in tables) / len(tables)
    error = np.sqrt(sum(t["error"] ** 2 for t in tables)) / len(tables)
    assert ((mean - tables[0]["planted_effect"]).abs() < 3.5 * error + 0.002).all()
    assert mean["K3", "active"] < -0.05 < 0.05 < mean["K1", "quiet"]


# Receivables


def test_open_balance_and_settled_date_agree(crm):
    ledger = crm["invoices"]
    bills = ledger[ledger["kind"] == "invoice"].set_index("invoice_id")
    paid = (
        crm["payments"]
        .groupby("invoice_id")["amount"]
        .sum()
        .reindex(bills.index, fill_value=0)
    )
    credit = (
        ledger.groupby("related_invoice_id")["amount"]
        .sum()
        .reindex(bills.index, fill_value=0)
    )
    balance = (bills["amount"] + credit - paid).round(2)
    assert ((balance == 0) == bills["settled_date"].notna()).all()
    assert (balance >= 0).all()
    age = (AS_OF - bills["due_date"][balance > 0]).dt.days
    assert pd.cut(age, [-999, 0, 30, 60, 90, 9999]).value_counts().min() >= 10
    assert (paid[balance > 0] > 0).sum() >= 10


def test_only_companies_are_invoiced_and_for_what_they_ordered(crm):
    companies = crm["customers"].query("customer_type == 'company'")["customer_id"]
    assert crm["invoices"]["customer_id"].isin(companies).all()
    ordered = crm["orders"][crm["orders"]["customer_id"].isin(companies)][
        "amount"
    ].sum()
    assert crm["invoices"]["amount"].sum() == pytest.approx(ordered, abs=0.005)


def test_payer_types_pay_as_planted(crm):
    bills = (
        crm["invoices"]
        .merge(crm["truth_invoices"])
        .merge(crm["truth"][["customer_id", "payer_type"]])
    )
    delay = (
        (bills["paid_on"] - bills["due_date"])
        .dt.days.groupby(bills["payer_type"])
        .mean()
    )
    assert (
        delay["prompt"] < 10 < delay["slow"] < delay["distressed"] < delay["deliberate"]
    )
    never = bills.groupby("payer_type")["never_paid"].mean()
    assert never.idxmax() == "deliberate"
    assert bills.groupby("payer_type")["disputed"].mean().idxmax() == "dispute-prone"


def test_recorded_causes_are_true_and_only_part_of_the_late(crm):
    bills = crm["invoices"].merge(crm["truth_invoices"])
    recorded = bills.dropna(subset=["cause"])
    assert (recorded["cause"] == recorded["real_cause"]).all()
    assert set(recorded["cause"]) == {
        "not_a_priority",
        "our_failure",
        "deliberate",
        "cash_trouble",
        "consignment",
    }
    assert 0.35 < len(recorded) / bills["real_cause"].notna().sum() < 0.55


# Leads and touches


def test_lead_outcomes_follow_their_probability(crm):
    from sklearn.metrics import roc_auc_score

    leads = crm["leads"].merge(crm["truth_leads"])
    closed = leads[leads["status"] != "open"]
    assert (
        0.75
        <= roc_auc_score(closed["status"] == "won", closed["win_probability"])
        <= 0.85
    )
    assert leads["wins"].mean() == pytest.approx(
        leads["win_probability"].mean(), abs=0.04
    )
    assert (closed["close_note"].notna()).all()
    assert leads.loc[leads["status"] == "open", "close_note"].isna().all()
    assert (leads["status"] == "open").sum() >= 30


def test_won_leads_become_customers_and_agree_with_them(crm, sales):
    won = (
        crm["leads"]
        .query("status == 'won'")
        .merge(crm["customers"], on="customer_id", suffixes=("", "_account"))
    )
    assert len(won) == (crm["leads"]["status"] == "won").sum()
    assert (won["created_on"] >= won["created_on_account"]).all()
    assert (won["industry"] == won["industry_account"]).all()
    closed = (
        crm["lead_stages"].query("stage == 'won'").set_index("lead_id")["entered_on"]
    )
    first = sales.groupby("customer_id")["order_date"].min()
    wait = first[won["customer_id"]].to_numpy() - closed[won["lead_id"]].to_numpy()
    assert (wait >= np.timedelta64(0)).all()


def test_stage_history_runs_in_order_and_ends_with_the_status(crm):
    rank = {"new": 0, "qualified": 1, "offer": 2, "negotiation": 3, "won": 4, "lost": 4}
    history = crm["lead_stages"].assign(rank=crm["lead_stages"]["stage"].map(rank))
    steps = history.sort_values(["lead_id", "rank"], kind="stable").groupby("lead_id")
    assert (steps["entered_on"].diff().dropna() >= pd.Timedelta(0)).all()
    last = steps["stage"].last()
    status = crm["leads"].set_index("lead_id")["status"]
    closed = status[status != "open"]
    assert (last[closed.index] == closed).all()
    assert not last[status[status == "open"].index].isin(["won", "lost"]).any()


def test_touches_follow_consent_and_interest_and_reach_prospects(crm, segment):
    touches, customers = crm["touches"], crm["customers"].set_index("customer_id")
    assert touches["touch_date"].min() >= AS_OF - pd.Timedelta(days=372)
    news = touches[touches["channel"] == "email"]
    assert customers.loc[news["customer_id"], "consent"].all()
    clicks = (
        news.assign(clicked=news["event"] == "clicked")
        .groupby(news["customer_id"].map(segment))["clicked"]
        .mean()
    )
    assert clicks["regular"] > 1.5 * clicks["one-off"]
    prospects = segment.index[segment == "prospect"]
    assert prospects.isin(touches["customer_id"]).mean() > 0.95
    assert (
        touches["minutes"].notna() == touches["channel"].isin(["call", "chat"])
    ).all()
    assert (
        touches["topic"].notna() == (touches["event"].isin(["clicked", "visit"]))
    ).all()


def test_only_the_treated_are_contacted_by_a_campaign(crm):
    treated = (
        crm["campaigns"]
        .query("arm == 'treatment'")
        .set_index(["campaign_id", "customer_id"])
        .index
    )
    contacted = (
        crm["touches"]
        .dropna(subset=["campaign_id"])
        .set_index(["campaign_id", "customer_id"])
        .index
    )
    assert len(contacted) > 500
    assert contacted.isin(treated).all()


def test_files_have_every_canonical_column_and_extras_only_where_allowed(crm):
    # One currency, one control, one offer a kind, outcomes in orders: the sample has no column for what it does not
    # vary.
    elsewhere = {
        "currency",
        "control",
        "probability",
        "offer",
        "outcome",
        "outcome_worth",
        "promised",
    }
    # It has the orders themselves, and no pairs to merge.
    for name in CONTRACTS.keys() - {"customer_summary", "merges"}:
        contract = CONTRACTS[name]
        expected = set(contract.names) - elsewhere
        assert expected <= set(crm[name]), name
        assert contract.extras or set(crm[name]) == expected, name
