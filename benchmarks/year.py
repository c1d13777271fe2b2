"""A company operated for a year by the command line alone, with contacts of known effect.

Every quarter its orders are exported, `segment-lab run --plan` writes the reports and draws the
campaigns, and once they have gone out `segment-lab plan --went-out` is told the day. The world is
that of `tests/year`: customers who buy by themselves, and contacts that win one more order with a
known chance. The table is in benchmarks/README.md.

    python benchmarks/year.py [--customers 800] [--seed 3] [--folder PLACE]

With `--folder` the operator's folder stays: study file, export, plans and reports.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.year.operation import QUARTERS, Company, by_quarter, truly  # noqa: E402

import segment_lab as sl  # noqa: E402

NAME = "company"
#: Written once, before the first quarter.
STUDY = {
    "name": NAME,
    "sources": {
        "orders": {"path": "orders.csv"},
        "campaigns": {"path": f"plans/{NAME}/*.csv"},
    },
    "methods": {"rfm": {}},
    "strategy": {"scheme": "rfm"},
    # The page that decides; the others take three times as long and decide nothing.
    "report": {"only": ["strategy"]},
}


@dataclass
class Desk:
    """The operator's folder, and what was done there by hand.

    Parameters
    ----------
    folder : path
        Holds the study file, the export of the orders, plans and reports.
    """

    folder: Path
    commands: int = field(default=0, init=False)
    edits: int = field(default=0, init=False)

    @property
    def study(self) -> Path:
        """The study file."""
        return self.folder / f"{NAME}.yml"

    def edit(self, path: Path, text: str) -> None:
        """Write a file by hand."""
        path.write_text(text)
        self.edits += 1

    def type(self, command: str, *options: str) -> None:
        """Type a command of `segment-lab`; the end of what it says where it fails."""
        self.commands += 1
        words = [sys.executable, "-m", "segment_lab", command, str(self.study)]
        env = {**os.environ, "SEGMENT_LAB_CACHE": str(self.folder / "cache")}
        env["PYTHONPATH"] = str(ROOT / "src")
        done = subprocess.run(
            [*words, *options],
            env=env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{command} ended with {done.returncode}\n{done.stderr[-2000:]}")

    def plans(self, as_of: str) -> list[pd.DataFrame]:
        """The campaigns that were drawn on a day."""
        found = sorted((self.folder / "plans" / NAME).glob(f"{NAME}-{as_of}-*.csv"))
        return [pd.read_csv(path) for path in found]


def export(company: Company, as_of: str, path: Path) -> None:
    """What the shop's nightly export holds on a day."""
    orders = pd.concat([company.natural, company.extra], ignore_index=True)
    orders[orders["order_date"] < as_of].to_csv(path, index=False)


def quarter(company: Company, desk: Desk, as_of: str) -> dict[str, float]:
    """Report, plan, send: what a quarter promised, what is true of it, and what it took."""
    commands, edits = desk.commands, desk.edits
    export(company, as_of, desk.folder / "orders.csv")
    if not desk.study.exists():
        desk.edit(desk.study, yaml.safe_dump(STUDY, sort_keys=False))
    out = ("--out", str(desk.folder / "reports"), "--jobs", "1")
    desk.type("run", "--as-of", as_of, "--plan", *out)
    sent = dt.date.fromisoformat(as_of) + dt.timedelta(days=company.late_days)
    desk.type("plan", "--went-out", sent.isoformat())
    drawn = desk.plans(as_of)
    for frame in drawn:
        company.go_out(frame, sent)
    rows = pd.concat(drawn)
    treated = rows[rows["arm"] != "holdout"]
    return {
        "contacts": len(treated),
        "per_customer": len(treated) / company.customers,
        "promised": float(treated["promised"].sum()),
        "truth": truly(rows),
        "commands": desk.commands - commands,
        "edits": desk.edits - edits,
    }


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    given.add_argument("--customers", type=int, default=800)
    given.add_argument("--seed", type=int, default=3)
    given.add_argument("--folder", type=Path, help="new; kept afterwards")
    asked = given.parse_args()
    began = time.monotonic()
    company = Company(customers=asked.customers, seed=asked.seed)
    with tempfile.TemporaryDirectory() as place:
        folder = asked.folder or Path(place)
        folder.mkdir(parents=True, exist_ok=asked.folder is None)
        desk = Desk(folder.resolve())
        year = {day: quarter(company, desk, day) for day in QUARTERS[:-1]}
        export(company, QUARTERS[-1], desk.folder / "orders.csv")
        came = by_quarter(sl.Study.from_yaml(desk.study, as_of=QUARTERS[-1]))
    table = pd.DataFrame.from_dict(year, orient="index").join(came)
    print(table.round(2).to_string())
    print(f"{time.monotonic() - began:.0f} seconds", flush=True)


if __name__ == "__main__":
    main()
