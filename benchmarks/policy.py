"""What following the advice earns, in simulated companies whose true effects are known.

Run: python benchmarks/policy.py [--full]. Each world is played for four rounds: the advice is
followed, its campaigns are measured, the next advice learns from them. Beside it stand the rivals:
nobody, everybody, the e-mail to everybody, and an oracle that knows the truth. `FLOORS` are the
shares of the oracle that the advice must reach; exits 1 where it does not.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from segment_lab.act import beliefs, verdicts

#: Segment: share of the customers, natural rate, and the actions it may get with their cost.
SEGMENTS = {
    "Champions": (0.17, 0.75, {"gift": 15.0, "call": 6.0}),
    "Loyal": (0.09, 0.55, {"email": 0.1, "gift": 15.0}),
    "Potential Loyalist": (0.08, 0.35, {"email": 0.1}),
    "New": (0.04, 0.25, {"email": 0.1}),
    "Promising": (0.05, 0.30, {"email": 0.1, "discount": 5.0}),
    "Need Attention": (0.06, 0.30, {"call": 6.0, "email": 0.1}),
    "About To Sleep": (0.09, 0.20, {"email": 0.1, "discount": 5.0}),
    "Can't Lose": (0.05, 0.25, {"call": 6.0, "discount": 5.0, "visit": 80.0}),
    "At Risk": (0.11, 0.15, {"discount": 5.0, "call": 6.0}),
    "Hibernating": (0.11, 0.08, {"email": 0.1}),
    "Lost": (0.15, 0.04, {"email": 0.1}),
}
ACTIVE = {"Champions", "Loyal", "Potential Loyalist", "New", "Promising"}
NAMES = list(SEGMENTS)
RATES = {name: rate for name, (_, rate, _) in SEGMENTS.items()}
ROUNDS = 4
#: World and number of customers: the share of the oracle that must be reached.
FLOORS = {
    ("small", 2000): 0.42,
    ("small", 10000): 0.48,
    ("channel", 2000): 0.28,
    ("channel", 10000): 0.40,
    ("strong", 2000): 0.70,
    ("strong", 10000): 0.76,
    ("gains", 2000): 0.52,
    ("gains", 10000): 0.58,
    ("hurts", 2000): 0.28,
    ("hurts", 10000): 0.46,
    ("mixed", 2000): 0.68,
    ("mixed", 10000): 0.68,
}
#: Worlds in which there is little or nothing to win: the share of what the e-mail to everybody
#: loses that the advice may lose, or the money itself.
LOSSES = {
    ("null", 2000): 0.65,
    ("null", 10000): 0.60,
    ("harm", 2000): 0.40,
    ("harm", 10000): 0.40,
}
WORLDS = (
    "small",
    "channel",
    "strong",
    "gains",
    "hurts",
    "mixed",
    "loses",
    "null",
    "harm",
)


def true_effects(world: str, seed: int) -> dict[tuple[str, str], tuple[float, float]]:
    """What each action truly does in each segment: change in the share that buys, and in the
    basket."""
    rng = np.random.default_rng(seed)
    out = {}
    for segment, (_, rate, actions) in SEGMENTS.items():
        for kind in actions:
            more, larger = _effect(world, segment, kind, rng)
            out[segment, kind] = (
                float(np.clip(more, -rate, 1 - rate)),
                max(larger, -0.9),
            )
    return out


def _effect(
    world: str, segment: str, kind: str, rng: np.random.Generator
) -> tuple[float, float]:
    active = segment in ACTIVE
    if world == "null":
        return 0.0, 0.0
    if world == "small":
        return rng.normal(0.01, 0.02), 0.0
    if world == "channel":
        means = {
            "email": 0.005,
            "call": 0.03,
            "gift": 0.03,
            "discount": 0.04,
            "visit": 0.05,
        }
        return rng.normal(means[kind], 0.03), 0.0
    if world == "strong":
        return rng.normal(0.05, 0.06), 0.0
    if world == "harm":
        return rng.normal(-0.01, 0.02), 0.0
    if world == "hurts":
        means = {
            "call": -0.10 if active else 0.11,
            "gift": 0.13 if active else 0.02,
            "discount": 0.0 if active else 0.10,
            "email": 0.005,
            "visit": 0.12,
        }
        return means[kind] + rng.normal(0, 0.02), 0.0
    if world == "loses":
        return rng.normal(0.05, 0.02), rng.normal(-0.25, 0.05)
    if world == "gains":
        return rng.normal(0, 0.01), rng.normal(0.25, 0.10)
    if world == "mixed":
        return rng.normal(0.02, 0.02), rng.normal(
            -0.15 if kind == "discount" else 0.05, 0.08
        )
    raise ValueError(world)


@dataclass
class Company:
    """A simulated company: its customers, its true effects, and what its campaigns show."""

    world: str
    customers: int
    seed: int
    arms: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.truth = true_effects(self.world, self.seed)
        self.rng = np.random.default_rng(10_000 + self.seed)
        self.margin = 100.0 if self.world == "hurts" else 40.0
        rows = []
        for segment, (share, rate, actions) in SEGMENTS.items():
            for kind, cost in actions.items():
                rows.append((segment, kind, round(share * self.customers), rate, cost))
        columns = ["segment", "belief", "customers", "natural_rate", "cost_per_contact"]
        self.options = pd.DataFrame(rows, columns=columns).assign(margin=self.margin)
        self.options["true_profit"] = [
            self.profit(*row)
            for row in self.options[["segment", "belief"]].itertuples(index=False)
        ]

    def profit(self, segment: str, kind: str) -> float:
        """True money per contact, its cost taken off."""
        more, larger = self.truth[segment, kind]
        rate = RATES[segment]
        gain = (rate + more) * (1 + larger) - rate
        return self.margin * gain - SEGMENTS[segment][2][kind]

    def observe(
        self, segment: str, kind: str | None, customers: int
    ) -> tuple[int, int, float]:
        """Customers, buyers and money of an arm that got an action, or nothing."""
        more, larger = (0.0, 0.0) if kind is None else self.truth[segment, kind]
        buyers = int((self.rng.random(customers) < RATES[segment] + more).sum())
        spread = np.sqrt(np.log(2.0))  # of a basket's logarithm: its variation is 1
        baskets = np.exp(self.rng.normal(-(spread**2) / 2, spread, buyers))
        return customers, buyers, float(baskets.sum()) * (1 + larger) * self.margin

    def run(self, advice: pd.DataFrame, round_: int) -> float:
        """Follow the advice for a round: what it earned by the truth; the arms are remembered."""
        earned = 0.0
        done = advice[advice["role"].isin((verdicts.MAIN, verdicts.BESIDE))]
        for segment, rows in done.groupby("segment", sort=False):
            held = int(rows["held_out"].max())
            control = self.observe(segment, None, held)
            for row in rows.to_dict("records"):
                treated = self.observe(segment, row["belief"], int(row["contacts"]))
                earned += treated[0] * row["true_profit"]
                if held > 0 and treated[0] > 0:
                    self.arms.append(
                        _arm(round_, segment, row["belief"], treated, control)
                    )
        return earned

    def rival(self, kind: str) -> float:
        """One round of the e-mail to everybody, of each segment's first action, or the oracle."""
        rows = self.options
        total = rows["customers"] * rows["true_profit"]
        if kind == "email":
            return float(total[rows["belief"] == "email"].sum())
        if kind == "everybody":
            return float(total[~rows["segment"].duplicated()].sum())
        return float(total.groupby(rows["segment"]).max().clip(lower=0).sum())


def _arm(
    round_: int,
    segment: str,
    kind: str,
    treated: tuple[int, int, float],
    held: tuple[int, int, float],
) -> dict[str, object]:
    names = ("", "_buyers", "_money")
    return {
        "campaign_id": f"R{round_}",
        "segment": segment,
        "action": kind,
        **{f"treated{name}": value for name, value in zip(names, treated, strict=True)},
        **{f"held{name}": value for name, value in zip(names, held, strict=True)},
    }


def advise(company: Company) -> pd.DataFrame:
    """The package's advice, from the company's own results so far."""
    arms = pd.DataFrame(company.arms)
    if len(arms):
        arms["basket"] = company.margin
    options = company.options
    learned = {
        kind: beliefs.learn(arms, list(rows["segment"]), kind=str(kind))
        for kind, rows in options.groupby("belief", sort=False)
    }
    return verdicts.decide(options, learned)


@dataclass
class Played:
    """What a company earned per round beside its rivals, and every action that was rolled out."""

    earned: list[float]
    email: float
    everybody: float
    oracle: float
    done: pd.DataFrame


def play(world: str, customers: int, seed: int, rounds: int = ROUNDS) -> Played:
    """Four rounds of a company that follows the advice."""
    company = Company(world, customers, seed)
    earned, done = [], []
    for round_ in range(rounds):
        advice = advise(company)
        earned.append(company.run(advice, round_))
        mains = advice[advice["role"] == verdicts.MAIN]
        done.append(
            mains.assign(round=round_, came=mains["contacts"] * mains["true_profit"])
        )
    rivals = {
        name: rounds * company.rival(name) for name in ("email", "everybody", "oracle")
    }
    return Played(earned, done=pd.concat(done), **rivals)


def summary(games: Sequence[Played]) -> dict[str, float]:
    """The figures of a cell: what was earned, and whether what was said came true."""
    earned = np.array([sum(game.earned) for game in games])
    email = np.array([game.email for game in games])
    oracle = float(np.mean([game.oracle for game in games]))
    done = pd.concat([game.done for game in games])
    inside = done["came"].between(done["worth_low"], done["worth_high"])
    firm = done[done["verdict"] == verdicts.DO]
    return {
        "earned": float(earned.mean()),
        "error": float(earned.std(ddof=1) / np.sqrt(len(earned))),
        "share": float(earned.mean() / oracle) if oracle > 1 else np.nan,
        "email": float(email.mean()),
        "everybody": float(np.mean([game.everybody for game in games])),
        "oracle": oracle,
        "of_email": float(earned.mean() / email.mean()),
        "inside": float(inside.mean()),
        "said_to_came": float(done["worth"].sum() / done["came"].sum()),
        "done": len(done) / len(games),
        "firm": len(firm) / len(games),
        "firm_losing": float((firm["came"] < 0).mean()) if len(firm) else np.nan,
        "first": float(np.mean([game.earned[0] for game in games])),
        "last": float(np.mean([game.earned[-1] for game in games])),
    }


def verdict(world: str, customers: int, figures: dict[str, float]) -> str:
    """Whether a cell holds its floor."""
    if (world, customers) in FLOORS:
        floor = FLOORS[world, customers]
        return f"{'ok' if figures['share'] >= floor else 'BELOW'} (share {floor})"
    if (world, customers) in LOSSES:
        most = LOSSES[world, customers]
        return f"{'ok' if figures['of_email'] <= most else 'BELOW'} (of e-mail {most})"
    if (world, customers) == ("loses", 10000):
        good = figures["earned"] >= -2000 and figures["last"] > 0
        return f"{'ok' if good else 'BELOW'} (-2,000, last > 0)"
    if world == "loses":
        return f"{'ok' if figures['earned'] > figures['email'] else 'BELOW'} (e-mail to all)"
    return ""


def _game(task: tuple[str, int, int]) -> Played:
    return play(*task)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--full", action="store_true", help="60 companies a cell instead of 12"
    )
    parser.add_argument("--worlds", nargs="*", default=WORLDS)
    parser.add_argument("--sizes", nargs="*", type=int, default=[2000, 10000])
    parser.add_argument("--companies", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    companies = given.companies or (60 if given.full else 12)
    below = 0
    for world in given.worlds:
        for customers in given.sizes:
            start = time.perf_counter()
            tasks = [(world, customers, seed) for seed in range(companies)]
            if given.jobs > 1:
                with ProcessPoolExecutor(given.jobs) as pool:
                    games = list(pool.map(_game, tasks))
            else:
                games = [_game(task) for task in tasks]
            found = summary(games)
            said = verdict(world, customers, found)
            below += said.startswith("BELOW")
            print(
                f"{world:8} {customers:6,} share {found['share']:5.2f} earned {found['earned']:9,.0f} "
                f"±{found['error']:6,.0f} e-mail {found['email']:8,.0f} all {found['everybody']:9,.0f} "
                f"oracle {found['oracle']:8,.0f} | inside {found['inside']:.2f} said:came "
                f"{found['said_to_came']:5.2f} done {found['done']:4.1f} firm {found['firm']:4.1f} "
                f"losing {found['firm_losing']:.3f} | first {found['first']:7,.0f} last "
                f"{found['last']:7,.0f} {said} {time.perf_counter() - start:.0f} s",
                flush=True,
            )
    return int(below > 0)


if __name__ == "__main__":
    sys.exit(main())
