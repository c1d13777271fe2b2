"""What is promised of predictions, rules and words, held against public data and the sample.

    python benchmarks/promises.py [prediction tree words states payment leads]

The public files are looked for in ``../shared/datasets`` or the folder that
``SEGMENT_LAB_DATASETS`` names; a log that is absent is left out, visibly. Nothing here was used to
choose a threshold but what docs/calibration.md says so of.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from calibration import DAYS as DAYS_KNOWN
from calibration import HELD_OUT, WORLDS, simulate

import segment_lab as sl
from segment_lab.customers.forecast import forecast
from segment_lab.customers.states import STEPS, falls, return_rates
from segment_lab.judge import baselines
from segment_lab.judge.learning import Outcome, Training, from_segments
from segment_lab.judge.stability import refit_stability
from segment_lab.judge.validity import Lesson, judge
from segment_lab.receivables.payment_check import payment_check
from segment_lab.receivables.payment_model import payment_history

ROOT = Path(__file__).resolve().parents[1]
HORIZON = 90
#: The last day judged of the public ledger, and one by which all is paid.
LAST_PAID, KNOWN_ON = "2013-12-30", "2014-06-01"
LOGS = ("cdnow", "online_retail", "rfm_orders", "sample")
#: Days from which each log is judged: all that leave 90 days before and after, a quarter apart.
DAYS = {
    "cdnow": ("1997-10-04", "1998-01-02", "1998-04-02"),
    "online_retail": ("2011-06-13", "2011-09-11"),
    "rfm_orders": ("2005-07-05", "2006-01-01", "2006-07-01"),
    "sample": ("2025-04-07", "2025-10-03", "2026-01-01", "2026-04-02"),
}


def folder() -> Path:
    given = os.environ.get("SEGMENT_LAB_DATASETS")
    return Path(given) if given else ROOT.parent / "shared" / "datasets"


def study(name: str) -> sl.Study | None:
    """A log as a study; None where its file is absent."""
    os.environ["SEGMENT_LAB_DATASETS"] = str(folder())
    held = {"receivables_ibm": "accounts_receivable"}.get(name, name)
    if name != "sample" and not (folder() / held).exists():
        print(f"{name}: not here")
        return None
    if name != "rfm_orders":
        return sl.Study.from_yaml(ROOT / "configs" / f"{name}.yml")
    rows = pd.read_csv(folder() / "rfm_orders" / "rfm_data_orders.csv")
    rows = rows.rename(columns={"revenue": "amount"})
    rows["order_date"] = pd.to_datetime(rows["order_date"])
    # One line of 2001 lies two years before all others.
    rows = rows[rows["order_date"] >= "2004-01-01"]
    return sl.Study.from_frames(
        {"orders": rows[["customer_id", "order_date", "amount"]]}
    )


def days_of(name: str) -> Iterator[tuple[sl.Study, dt.date]]:
    """The log as it stood on each of its days."""
    whole = study(name)
    if whole is None:
        return
    for text in DAYS[name]:
        day = dt.date.fromisoformat(text)
        yield whole.at(day), day


def prediction() -> None:
    """Orders expected in the next 90 days ÷ orders that came: the plain model, and the forecast by
    season and hold-out."""
    print(f"{'log':14} {'day':11} {'orders':>7} {'plain':>7} {'now':>7}")
    for name in LOGS:
        wrong = []
        for then, day in days_of(name):
            came = then.outcomes(HORIZON)["future_orders"].sum()
            blind = type(then.state_rule).learn(then.customers())
            plain = forecast(then.customers(), blind, HORIZON)["expected_orders"].sum()
            now = then.customers(predict=True)["expected_orders"].sum()
            wrong.append(np.abs(np.log([plain / came, now / came])))
            print(
                f"{name:14} {day} {came:7.0f} {plain / came:7.3f} {now / came:7.3f}",
                flush=True,
            )
        if wrong:
            off = np.expm1(np.mean(wrong, axis=0))
            print(f"{name:14} {'usual error':11} {'':7} {off[0]:7.1%} {off[1]:7.1%}")


def tree() -> None:
    """Ranking power of the learned rules beside past spend, boosting, BG/NBD and named RFM.

    Every scheme is drawn on a day from what was known then, learns the worth of its segments in the
    90 days before, and is judged by the 90 days after. A simulated log is one company of the worlds
    of calibration.py with 4,000 customers.
    """
    print(
        f"{'log':14} {'day':11} {'tree':>6} {'spend':>6} {'boost':>6} {'BG/NBD':>6} {'RFM':>6} "
        f"{'tree − spend, 95 %':>18} {'jointly':>16} {'rules':>5} {'found again':>11} {'same in SQL':>12}"
    )
    rows = []
    for name in LOGS:
        for then, day in days_of(name):
            before = then.at(day - dt.timedelta(days=HORIZON))
            sides = [
                (side.customers(), side.outcomes(HORIZON)) for side in (before, then)
            ]
            rows.append(_tree_row(name, str(day), *sides))
    for world in WORLDS:
        for number in range(3):
            rng = np.random.default_rng((HELD_OUT, 7, number))
            log = simulate(world, 4_000, rng)
            sides = []
            for day in (DAYS_KNOWN - HORIZON, DAYS_KNOWN):
                table = log.customers(day)
                sides.append((table, log.outcomes(day, table.index)))
            rows.append(_tree_row(world, f"log {number}", *sides))
    ratios, gains, behind = np.array(rows).T
    print(
        f"tree ÷ boosting, median {np.median(ratios):.3f}; tree − RFM, median "
        f"{np.median(gains):+.3f}; certainly below past spend: {int(behind.sum())} of {len(rows)}"
    )


def _tree_row(
    name: str,
    day: str,
    lesson: tuple[pd.DataFrame, pd.DataFrame],
    judged: tuple[pd.DataFrame, pd.DataFrame],
) -> tuple[float, float, bool]:
    """Tree ÷ boosting, tree − RFM, and whether the tree is certainly below past spend: by the range
    that holds for both schemes beside all baselines, as the comparison says it."""
    (before, taught), (now, came) = lesson, judged
    spent = taught["future_revenue"].reindex(before.index).fillna(0.0)
    rules = sl.TreeSegmenter().fit(before, spent)
    drawn = {"tree": rules.segment(now), "rfm": sl.RFMSegmenter().fit(now).segment(now)}
    seen = {
        "tree": rules.segment(before),
        "rfm": sl.RFMSegmenter().fit(before).segment(before),
    }
    training = Training(seen, taught, before)
    made = baselines.predictions(baselines.Context(now, came, training, drawn, HORIZON))
    made = [prediction for prediction in made if prediction.score is not None]
    schemes = [
        from_segments(name, "scheme", drawn[name], came.index, seen[name], taught.index)
        for name in drawn
    ]
    place = came.index.get_indexer(taught.index)
    found = judge(
        [*schemes, *made], Outcome.of(came), 200, 0, Lesson(Outcome.of(taught), place)
    )
    power = found.table()["ranking_power"]
    pairs = found.differences().set_index(["measure", "a", "b"])
    beside = pairs.loc[("ranking_power", "tree", "past-spend rank")]
    again = refit_stability(rules, before, spent=spent, refits=8)
    usual = np.average(again["jaccard"].fillna(0), weights=again["customers"])
    same = _same_in_sql(rules, now)
    print(
        f"{name:14} {day:11} {power['tree']:6.3f} {power['past-spend rank']:6.3f} "
        f"{power['gradient boosting']:6.3f} {power['BG/NBD + Gamma-Gamma']:6.3f} "
        f"{power['rfm']:6.3f} {beside['difference_low']:+8.3f} to {beside['difference_high']:+.3f} "
        f"{beside['joint_low']:+8.3f} to {beside['joint_high']:+.3f} "
        f"{len(again):5} {usual:11.2f} {same:>12}",
        flush=True,
    )
    ratio = power["tree"] / power["gradient boosting"]
    return ratio, power["tree"] - power["rfm"], beside["joint_high"] < 0


def _same_in_sql(rules: sl.TreeSegmenter, customers: pd.DataFrame) -> str:
    """Customers of whom the rule compiled for DuckDB says what `predict` says."""
    connection = duckdb.connect()
    rows = customers[list(rules.columns)].rename_axis("customer_id").reset_index()
    connection.register("people", rows)
    said = connection.execute(rules.to_sql("people")).df()
    said = said.set_index("customer_id")["segment"]
    expected = pd.Series(rules.segment(customers).labels.astype(str))
    agree = said.reindex(expected.index) == expected
    return f"{int(agree.sum())} of {len(agree)}"


def words() -> None:
    """The least true word of any segment name of the packaged RFM grid, what descriptions say
    beside them, and how many words they leave out."""
    for name in LOGS:
        whole = study(name)
        if whole is None:
            continue
        fitted = whole.fitted("rfm")
        truth = fitted.truth_
        kept = {rule.name: rule.words for rule in fitted.grid_.segments}
        least = min(
            truth.loc[segment, list(words)].min()
            for segment, words in kept.items()
            if len(words) and truth.loc[segment].notna().all()
        )
        print(f"{name:14} least true word of a name {least:.3f}", flush=True)


def states() -> None:
    """Who ordered again within 90 days, by the state of the day before."""
    print(f"{'log':14} {'day':11} {'active':>7} {'slowing':>8} {'lapsed':>7}  falls")
    for name in LOGS:
        for then, day in days_of(name):
            state = then.states()["state"]
            back = then.outcomes(HORIZON)["future_orders"].reindex(state.index) > 0
            rates = return_rates(state, back)["share"]
            shown = "  ".join(f"{rates[step]:6.3f}" for step in STEPS)
            print(f"{name:14} {day} {shown}  {falls(state, back)}", flush=True)


def payment() -> None:
    """The payment day on the public ledger, week by week on what was known then."""
    whole = study("receivables_ibm")
    if whole is None:
        return
    history = payment_history(whole.ledger, KNOWN_ON)
    found = payment_check(history, LAST_PAID, stops=72)
    print(found.round(3).to_string())
    cash = found.loc["weekly_cash_missed"]
    print(f"weekly cash error ÷ own means {cash['forecast'] / cash['own_mean']:.2f}")


CLAIMS = {
    "prediction": prediction,
    "tree": tree,
    "words": words,
    "states": states,
    "payment": payment,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "claims", nargs="*", choices=[*CLAIMS, []], help="all by default"
    )
    for name in parser.parse_args().claims or CLAIMS:
        print(f"\n{name}")
        CLAIMS[name]()


if __name__ == "__main__":
    main()
