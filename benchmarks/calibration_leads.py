"""Simulated leads with known fate: do open leads win as often as expected, and what is converted?

    python benchmarks/calibration_leads.py [LOGS] [LEADS]

Wins and losses take different times, and 3 % of the losses are never recorded. Printed for each
pair of times: wins expected of the open leads ÷ wins that came of them; the same over the test span
of the page; the conversion of the funnel beside the truth, and beside won ÷ decided. About two
seconds a log.
"""

from __future__ import annotations

import sys

import ibis
import numpy as np
import pandas as pd

from segment_lab.leads.model import LeadModel

DAYS, AS_OF = 720, "2025-12-21"
BEGIN = pd.Timestamp("2024-01-01")
#: Usual days to a win and to a loss.
TIMES = ((90, 25), (150, 15), (40, 40))
#: Begins every seed.
HELD_OUT = 14


def leads(
    n: int, to_win: int, to_loss: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.Series]:
    """The table as it stands after two years, and who wins in the end."""
    visits = rng.normal(size=n)
    wins = rng.random(n) < 1 / (1 + np.exp(1.2 - 0.6 * visits))
    won_after = rng.gamma(3, to_win / 3, n)
    lost_after = rng.gamma(1.2, to_loss / 1.2, n)
    takes = np.where(wins, won_after, lost_after).round() + 1
    never = ~wins & (rng.random(n) < 0.03)
    takes[never] = 1e5
    made = rng.integers(0, DAYS, n)
    known = made + takes < DAYS
    decided_on = BEGIN + pd.to_timedelta(np.minimum(made + takes, 5_000), unit="D")
    names = [f"L{i:05d}" for i in range(n)]
    frame = pd.DataFrame(
        {
            "lead_id": names,
            "created_on": BEGIN + pd.to_timedelta(made, unit="D"),
            "visits": visits,
            "status": np.where(known, np.where(wins, "won", "lost"), "open"),
            "closed_on": pd.Series(decided_on).where(known),
        }
    )
    return frame, pd.Series(wins, names)


def main(logs: int = 8, n: int = 3_000) -> None:
    print("win, loss    open leads   test span   conversion  truth  won ÷ decided")
    for to_win, to_loss in TIMES:
        sums = np.zeros(4)
        shares = []
        for number in range(logs):
            rng = np.random.default_rng((HELD_OUT, to_win, number))
            frame, wins = leads(n, to_win, to_loss, rng)
            found = LeadModel().analyse(ibis.memtable(frame), as_of=AS_OF)
            chances = found.estimates.waiting["win_probability"]
            span = found.expected_wins()
            came = wins[chances.index].sum()
            sums += [chances.sum(), came, span["expected"], span["came"]]
            won = (frame["status"] == "won").sum()
            decided = (frame["status"] != "open").sum()
            conversion = found.funnel().loc["Lead", "conversion"]
            shares.append([conversion, wins.mean(), won / decided])
        share, truth, naive = np.mean(shares, axis=0)
        print(
            f"{to_win:3}, {to_loss:3} d {sums[0] / sums[1]:10.3f} {sums[2] / sums[3]:11.3f} "
            f"{share:11.3f} {truth:7.3f} {naive:8.3f}  ({logs} logs, {sums[1]:.0f} wins of open leads)",
            flush=True,
        )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
