"""The anchor beside `duplicates.py`: splink on the same bases and the same normal forms.

splink stands in an environment of its own and is no dependency:

    python benchmarks/duplicates.py 5000 --write FOLDER
    python -m venv ENV && ENV/bin/pip install splink
    ENV/bin/python benchmarks/duplicates_splink.py FOLDER

It compares name, e-mail, telephone and tax number as its manual proposes for such columns, learns
its weights from the base itself (no labels), and calls a pair one customer from a probability of
.5, .9 and .99 on.
"""

from __future__ import annotations

import sys
import time
from itertools import combinations
from pathlib import Path

import duckdb
import splink.comparison_library as compare
from splink import Linker, SettingsCreator, block_on
from splink.backends.duckdb import DuckDBAPI

COLUMNS = ("email", "phone", "tax_id", "name")


def main(folder: str) -> None:
    """One line a base and threshold."""
    print(f"{'base':<8} {'from':>5} {'found':>6} {'precision':>9} {'recall':>7} s")
    for path in sorted(Path(folder).glob("*_keys.parquet")):
        name = path.name.removesuffix("_keys.parquet")
        connection = duckdb.connect()
        truth = connection.sql(f"FROM '{path.with_name(name + '_truth.parquet')}'")
        planted = pairs_of(truth.fetchall())
        start = time.perf_counter()
        pairs = linked(path, connection)
        seconds = time.perf_counter() - start
        for threshold in (0.5, 0.9, 0.99):
            found = {(one, two) for one, two, chance in pairs if chance >= threshold}
            right = len(found & planted)
            precision, recall = right / max(1, len(found)), right / len(planted)
            print(
                f"{name:<8} {threshold:>5} {len(found):>6,} {precision:>9.3f} "
                f"{recall:>7.3f} {seconds:.1f}"
            )


def pairs_of(merges: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Every pair of records of one customer."""
    groups: dict[str, set[str]] = {}
    for record, kept in merges:
        groups.setdefault(kept, {kept}).add(record)
    found = set()
    for members in groups.values():
        found |= set(combinations(sorted(members), 2))
    return found


def linked(path: Path, connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    """Pairs of records with splink's probability that they are one customer."""
    nulls = ", ".join(f"nullif({column}, '') AS {column}" for column in COLUMNS)
    connection.sql(
        f"CREATE TABLE base AS SELECT customer_id AS unique_id, {nulls} FROM '{path}'"
    )
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            compare.EmailComparison("email"),
            compare.LevenshteinAtThresholds("phone", [1, 2]),
            compare.ExactMatch("tax_id"),
            compare.JaroWinklerAtThresholds("name", [0.95, 0.88, 0.7]),
        ],
        blocking_rules_to_generate_predictions=[block_on(c) for c in COLUMNS],
    )
    base = DuckDBAPI(connection).register("base")
    linker = Linker(base, settings, log_level=40)
    sure = [block_on("email", "name"), block_on("phone", "name"), block_on("tax_id")]
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for column in ("email", "name", "phone"):
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(column)
        )
    found = linker.inference.predict(threshold_match_probability=0.5)
    rows = found.as_duckdbpyrelation().project(
        "least(unique_id_l, unique_id_r), greatest(unique_id_l, unique_id_r), match_probability"
    )
    return rows.fetchall()


if __name__ == "__main__":
    main(sys.argv[1])
