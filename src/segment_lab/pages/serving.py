"""What to do with each segment of a scheme: one voice, that of page one, whichever scheme a page
shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from segment_lab.act.stance import STANCES
from segment_lab.customers.states import LAPSE, SLOW, STATES, STEPS, falls, return_rates
from segment_lab.data.files import digest
from segment_lab.errors import (
    ConfigError,
    DataError,
    NotEnoughDataError,
    SegmentLabError,
)
from segment_lab.pages.choosing import chosen, has_owners, scheme_name, treatment
from segment_lab.pages.front.gather import gathering
from segment_lab.pages.front.links import card_links
from segment_lab.show.cards import group, link, note, says_why
from segment_lab.show.macros import Html
from segment_lab.show.tables import table
from segment_lab.study.study import Study
from segment_lab.texts import say, shown


def serving(study: Study) -> tuple[str, pd.DataFrame]:
    """The scheme that page one acts on, and how each of its segments is served.

    Returns
    -------
    str
    DataFrame, index segment
        ``customers, stance`` (a key of `act.stance.STANCES`).

    Raises
    ------
    NotEnoughDataError
        The log is too short, or the company's own playbook is made for other segments.
    """

    study = study.as_filed

    def found() -> tuple[str, pd.DataFrame]:
        front = gathering(study)
        try:
            treated = front.page.treatments
        except ConfigError as error:
            raise NotEnoughDataError(str(error)) from error
        served = treated[["members", "stance"]].rename(columns={"members": "customers"})
        return front.scheme, served

    # The same on every page of a run, whatever scheme a page shows.
    schemes = [(method, study.options(method)) for method in study.methods]
    strategy = study.config.strategy
    playbook = digest(Path(study.base) / strategy.playbook) if strategy.playbook else ""
    asked = (schemes, strategy, playbook, study.config.comparison)
    return study.cached("serving", repr(asked), found)


def acted_on(study: Study) -> str:
    """The scheme whose segments page one acts on; RFM where there is nothing to act on."""
    try:
        return chosen(study.as_filed, study.config.strategy.scheme).scheme
    except NotEnoughDataError:
        return "rfm"


def cards_of(study: Study, scheme: str) -> dict[str, str]:
    """The cards of a scheme's segments, where page one acts on it; none of any other scheme."""
    try:
        acted, served = serving(study)
    except SegmentLabError:
        return {}
    return card_links(served["customers"]) if scheme == acted else {}


def stance_counts(study: Study, scheme: str) -> pd.DataFrame:
    """Customers of each segment of `scheme` by the stance that page one gives them.

    Returns
    -------
    DataFrame, index segment
        A column per stance that somebody has; only customers whom page one knows.
    """
    acted, served = serving(study)
    given = study.as_filed.segmentation(acted).labels.astype(str).map(served["stance"])
    labels = study.segmentation(scheme).labels
    given = given.reindex(labels.index)
    known = given.notna()
    counts = pd.crosstab(labels[known], given[known], dropna=False)
    named = [stance for stance in STANCES if stance in counts]
    counts = counts.reindex(
        index=list(labels.cat.categories), columns=named, fill_value=0
    )
    return counts.rename_axis(index="segment", columns=None)


def stance_shares(study: Study, scheme: str) -> pd.DataFrame:
    """Share of the customers of each segment by stance.

    Returns
    -------
    DataFrame, index segment
        ``customers`` whom page one knows, and a column per stance; null for a segment without
        customers.
    """
    counts = stance_counts(study, scheme)
    everybody = counts.sum(axis=1)
    shares = counts.div(everybody.where(everybody > 0), axis=0)
    shares.insert(0, "customers", everybody)
    return shares


def to_do(counts: Mapping[Any, int] | pd.Series, owners: bool) -> str:
    """What to do with customers of several stances, in a sentence; those of the most first.

    Parameters
    ----------
    counts : mapping
        Customers by stance.
    owners : bool
        Whether the accounts name who looks after them.
    """
    served = {str(stance): int(count) for stance, count in counts.items() if count}
    most_first = sorted(served, key=lambda stance: -served[stance])
    parts = [{"stance": stance, "customers": served[stance]} for stance in most_first]
    return say("stance.to_do", parts=parts, owners=owners)


def state_shares(study: Study, scheme: str) -> pd.DataFrame:
    """Share of the buyers of each segment by their state (`Study.states`).

    Returns
    -------
    DataFrame, index segment
        A column per state; null for a segment without buyers.
    """
    labels = study.segmentation(scheme).labels
    state = study.states()["state"].reindex(labels.index)
    shares = pd.crosstab(labels, state, normalize="index")
    shares = shares.reindex(index=list(labels.cat.categories), columns=list(STATES))
    return shares.rename_axis(index="segment", columns=None)


@says_why
def serving_table(study: Study, scheme: str) -> Html:
    """How the customers of each segment are served, and where they stand by their own rhythm."""
    acted, served = serving(study)
    rhythm = _rhythm(study, scheme)
    if scheme != acted:
        return group(_as_on_page_one(study, scheme, acted), rhythm)
    owners = has_owners(study)
    words = pd.DataFrame(
        {
            "customers": served["customers"],
            "stance": [say(f"stance.name.{stance}") for stance in served["stance"]],
            "treatment": [treatment(stance, owners) for stance in served["stance"]],
        },
        index=served.index,
    )
    labels = {name: say(f"stance.columns.{name}") for name in ("stance", "treatment")}
    remark = say("stance.by_segment_note")
    cards = card_links(served["customers"])
    caption = say("stance.by_segment")
    made = table(words, caption, labels=labels, note=remark, links=cards)
    return group(made, link("segments.html", say("segment_cards.serving_link")), rhythm)


def _as_on_page_one(study: Study, scheme: str, acted: str) -> Html:
    """What to do with each segment of a scheme that page one does not act on."""
    counts, owners = stance_counts(study, scheme), has_owners(study)
    rows = stance_shares(study, scheme)
    sentences = [to_do(row, owners) for _, row in counts.iterrows()]
    rows.insert(1, "to_do", sentences)
    named = {stance: say(f"stance.name.{stance}") for stance in STANCES}
    return table(
        rows,
        say("stance.as_on_page_one.caption"),
        labels={"to_do": say("stance.columns.to_do"), **named},
        note=say("stance.as_on_page_one.note", scheme=scheme_name(acted)),
        formats=dict.fromkeys(map(str, counts), "share"),
    )


def returned(study: Study) -> str:
    """Whether the states told who ordered again within the horizon; nothing where the log is too
    short, or a state had nobody."""
    days = study.config.strategy.horizon_days
    try:
        facts = study.shared("returned", days, lambda: _returned(study, days))
    except (DataError, NotEnoughDataError):
        return ""
    return say("stance.rhythm.returned", days=days, **facts) if facts else ""


def _returned(study: Study, days: int) -> dict[str, Any]:
    """The share of each state that ordered again in the last `days`, and whether fewer did from
    state to state; nothing where a state had nobody."""
    before = study.at(study.window.as_of - dt.timedelta(days=days))
    state = before.states()["state"]
    since = study.bought(days)["orders"] > 0
    bought = since.reindex(state.index, fill_value=False)
    rates = return_rates(state, bought)["share"][list(STEPS)]
    if rates.isna().any():
        return {}
    shares = {str(state): rate for state, rate in rates.items()}
    return {**shares, "falls": falls(state, bought)}


def _rhythm(study: Study, scheme: str) -> Html:
    """The table of `state_shares`; in a sentence where each segment is of one state."""
    shares = state_shares(study, scheme)
    labels = {state: say(f"state.name.{state}") for state in STATES}
    remark = (
        f"{say('stance.rhythm.note', slow=SLOW, lapse=LAPSE)} {returned(study)}".strip()
    )
    known = shares.dropna()
    if len(known) and (known.max(axis=1) == 1).all():
        only = known.idxmax(axis=1)
        by_state = {
            labels[state]: [shown(name) for name in only.index[only == state]]
            for state in STATES
        }
        return note(f"{say('stance.rhythm.alike', states=by_state)} {remark}")
    formats = dict.fromkeys(STATES, "share")
    caption = say("stance.rhythm.caption")
    return table(shares, caption, labels=labels, note=remark, formats=formats)
