"""Which scheme a study's advice acts on, in words too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from segment_lab import config
from segment_lab.act.choice import (
    FILE,
    ONLY,
    Choice,
    certainly_worse,
    choose,
)
from segment_lab.act.playbook import Playbook
from segment_lab.errors import ConfigError, DataError, NotEnoughDataError
from segment_lab.study.study import Study
from segment_lab.texts import has, say

#: Scheme statuses that may be acted on.
SETTLED = ("PROPER", "FIXED")


def chosen(study: Study, named: str | None = None) -> Choice:
    """The scheme to act on: as named, else as the evidence says (`act.choice.choose`).

    Raises
    ------
    NotEnoughDataError
        No scheme applies to the study's tables.
    """
    able = with_playbook(study)
    if named:
        return Choice(named, FILE, tuple(able))
    if not able:
        raise NotEnoughDataError(say("front.no_scheme"))
    if len(able) == 1:
        return Choice(able[0], ONLY, tuple(able))
    try:
        # The scorecard asks for these at the end. The page that makes it finds them made, where
        # this one would have waited for it.
        for method in reversed(study.compared):
            study.status(method)
        card = study.scorecard()
    except (NotEnoughDataError, DataError):
        return choose(able)
    settled = [name for name, status in card.status.items() if status.kind in SETTLED]
    ranked = card["trust"]["ranking_power"].items()
    powers = {str(name): float(power) for name, power in ranked}
    worse = certainly_worse(card["differences"])
    choice = choose(able, settled, powers, worse)
    others = [name for name in study.methods if name not in able]
    better = tuple(name for name in others if (choice.scheme, name) in worse)
    return replace(choice, better=better)


def said(choice: Choice) -> str:
    """Why this scheme, in a sentence."""
    facts = {
        "scheme": scheme_name(choice.scheme),
        "power": choice.powers.get(choice.scheme),
        "level": scheme_names(choice.level),
        "better": scheme_names(choice.better),
    }
    return say(f"front.sure.scheme_{choice.reason}", **facts)


def scheme_name(name: str) -> str:
    """A scheme as a sentence names it."""
    return say(f"schemes.{name}")


def scheme_names(names: Iterable[str]) -> list[str]:
    """Several of them."""
    return [scheme_name(name) for name in names]


def with_playbook(study: Study) -> list[str]:
    """Schemes whose segments the study's playbook names, in the study file's order; without an own
    playbook those that a packaged one is written for, or else all."""
    applied = study.methods
    ordered = [name for name in study.config.methods if name in applied] or applied
    own = study.config.strategy.playbook
    if own:
        book = Playbook.from_yaml(Path(study.base) / own)
        fitting = [name for name in ordered if _fits(book, study, name)]
    else:
        packaged = config.names("playbooks")
        fitting = [name for name in ordered if name in packaged]
    return fitting or ordered


def _fits(book: Playbook, study: Study, scheme: str) -> bool:
    try:
        book.check(study.segmentation(scheme).names)
    except (ConfigError, NotEnoughDataError):
        return False
    return True


def has_owners(study: Study) -> bool:
    """Whether any account names who looks after it."""
    people = study.customers()
    return "owner" in people and bool(people["owner"].notna().any())


def in_person(stance: str, owners: bool) -> bool:
    """Whether people look after a stance's customers. Without owners whoever is to be won back gets
    mail: there are too many to call."""
    return stance == "protect" or (stance == "win_back" and owners)


def treatment(stance: str, owners: bool) -> str:
    """The standing treatment of a stance; where no account has an owner, none is asked to call."""
    alone = f"stance.without_owners.{stance}"
    if not owners and has(alone):
        return say(alone)
    return say(f"stance.treatment.{stance}")
