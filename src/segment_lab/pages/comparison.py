"""What the comparison page gathers and says: the scorecard's facts as words, tables and
pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.judge import METRICS, Scorecard
from segment_lab.judge.learning import CAP_PERCENTILE, FOLDS
from segment_lab.judge.sufficiency import GAIN, MONTHS, agreement_needed
from segment_lab.judge.usability import HOLDOUT
from segment_lab.pages.comparison_sentences import (
    NUDGE,
    SENTENCES,
    names_of,
    scheme_name,
)
from segment_lab.show.cards import details, finding, group, headline, note
from segment_lab.show.figures import figure
from segment_lab.show.macros import Html
from segment_lab.show.pictures import comparison as pictures
from segment_lab.show.tables import table
from segment_lab.study.study import Study
from segment_lab.texts import phrases, say

#: Facts that the captions of some sections name.
CAPTION_FACTS = {"ambiguity": NUDGE, "actionability": {"holdout": HOLDOUT}}


@dataclass(frozen=True)
class ComparisonPage:
    """A scorecard as the page shows it.

    Every method gives a piece of the page. Where the data are missing for one, it says so by
    itself.
    """

    card: Scorecard

    @classmethod
    def of(cls, study: Study, **options: Any) -> ComparisonPage:
        """The comparison of a study's schemes; `options` are ``horizon_days, draws, seed``."""
        return cls(study.scorecard(**options))

    # The answer
    # ---------------------------------------------------------------------------------------------

    def sentences(self) -> list[str]:
        """Who predicts best (or nobody), what a plain rule does, who moves."""
        verdict, days = self.card.verdict, self.card.trial.days
        facts = {
            "days": days,
            "best": scheme_name(verdict.best),
            "power": verdict.power,
            "tied": names_of(verdict.tied),
            "behind": names_of(verdict.behind),
        }
        found = [say(f"comparison.verdict.{self._outcome()}", **facts)]
        if verdict.plain:
            schemes = len(self.card.schemes)
            plain = {
                "schemes": schemes,
                "bands": verdict.bands,
                "ahead": names_of(verdict.ahead),
            }
            found.append(say(f"comparison.plain.{verdict.plain}", **plain))
        if verdict.moving:
            (most, share, segments), *rest = verdict.moving
            moving = {
                "days": days,
                "most": scheme_name(most),
                "share": share,
                "segments": segments,
            }
            if rest:
                least, least_share, _ = rest[0]
                moving |= {"least": scheme_name(least), "least_share": least_share}
            found.append(say(f"comparison.moving.{'two' if rest else 'one'}", **moving))
        return found

    def _outcome(self) -> str:
        verdict = self.card.verdict
        if verdict.chance:
            return "chance"
        if len(self.card.schemes) == 1:
            return "single"
        if not verdict.behind:
            return "level"
        return "winner" if len(verdict.tied) == 1 else "leaders"

    def headline(self) -> Html:
        """The verdict, with the figures the index keeps."""
        power = self.card["trust"].loc[self.card.schemes, "ranking_power"]
        power = power.sort_values(ascending=False, kind="stable")
        figures = {}
        for name, value in power.items():
            label = say("comparison.figure.ranking_power", scheme=scheme_name(name))
            figures[label] = float(value)
        return headline(*self.sentences(), figures=figures)

    def picture(self) -> Html:
        """The one picture: ranking power of every scheme and plain rule."""
        return figure(
            pictures.power_forest(self.card["trust"]), caption=self.sentence("trust")
        )

    def matrix(self) -> Html:
        """Every scheme (rows) on every criterion (columns)."""
        card = self.card
        trust = (
            card["trust"]
            .loc[card.schemes]
            .sort_values("ranking_power", ascending=False)
        )
        frame = trust[
            ["segments", "ranking_power", "ranking_power_low", "ranking_power_high"]
        ]
        frame = frame.copy()
        wrong = card["misclassification"]
        frame["missed_revenue_share"] = wrong["missed_revenue_share"]
        for section, column in (
            ("movement", "moved_share"),
            ("ambiguity", "ambiguous_share"),
            ("interpretability", "accuracy"),
        ):
            if section in card.tables:
                frame[column] = card[section][column]
        if "stability" in card.tables:
            found = card["stability"]["jaccard"].groupby(level="scheme").min()
            informative = card["stability"]["informative"].groupby(level="scheme").all()
            frame["stability"] = found.where(informative)
        if "actionability" in card.tables:
            frame["smallest_uplift"] = self._typical_uplift()
        standing = phrases("comparison.standing")
        frame["status"] = [
            standing[card.status[name].kind] if name in card.status else None
            for name in frame.index
        ]
        frame.index = pd.Index(
            names_of(frame.index), name=say("comparison.label.scheme")
        )
        formats = {
            "segments": "count",
            "stability": "number",
            "smallest_uplift": "share",
        }
        caption = say("comparison.caption.matrix")
        endless = frame.isin([np.inf]).any(axis=None)
        endless_means = say("comparison.caption.endless") if endless else ""
        remark = " ".join(filter(None, [self.then(), endless_means]))
        return table(frame, caption, labels=labels(), formats=formats, note=remark)

    def then(self) -> str:
        """Whose segments were others when the judged period began than other pages show them
        today; empty where all are the same."""
        changed = []
        for name in self.card.schemes:
            then, now = self._names_then(name), self._names_now(name)
            if not (then and now) or then == now:
                continue
            kind = "number" if len(then) != len(now) else "others"
            facts = {"then": len(then), "now": len(now)}
            shown = scheme_name(name)
            changed.append(say(f"comparison.then.{kind}", scheme=shown, **facts))
        if not changed:
            return ""
        days = self.card.trial.days
        return say("comparison.then.all", days=days, changed=changed)

    def _names_then(self, scheme: str) -> set[str]:
        """The segments that are judged: learned before the judged period."""
        found = self.card.tables.get("actionability")
        if found is None or scheme not in found.index.get_level_values("scheme"):
            return set()
        return {*found.loc[scheme].index}

    def _names_now(self, scheme: str) -> set[str]:
        """The segments by the cut points of today, which every other page shows."""
        moved = self.card.matrices.get(scheme)
        return set() if moved is None else {*moved.columns}

    def _typical_uplift(self) -> pd.Series:
        """The smallest measurable effect of each scheme's median segment."""
        found = self.card["actionability"]
        filled = found[found["customers"] > 0]["smallest_uplift"]
        return filled.groupby(level="scheme").median()

    # Sections
    # ---------------------------------------------------------------------------------------------

    def sentence(self, section: str) -> str:
        """A section in one plain sentence, with figures from its table."""
        frame, schemes = self.card[section], self.card.schemes
        return SENTENCES[section](frame, schemes)

    def show(self, section: str) -> Html:
        """A section: its sentence, and the figures folded below; a note where it is missing."""
        if section in self.card.missing:
            return note(say(f"comparison.needs.{section}"), "missing")
        return details(self.sentence(section), self.table(section))

    def finding(self, section: str) -> Html:
        """A section's sentence above its figures."""
        if section in self.card.missing:
            return note(say(f"comparison.needs.{section}"), "missing")
        return group(finding(self.sentence(section)), self.table(section))

    def drawn(self, section: str) -> Html:
        """A section as a picture with its sentence."""
        if section in self.card.missing:
            return note(say(f"comparison.needs.{section}"), "missing")
        return figure(
            PICTURES[section](self.card[section]), caption=self.sentence(section)
        )

    def table(self, section: str) -> Html:
        """A section's table: best first, the words of the field in the headers, failures below."""
        frame, below = self.card[section], ""
        heads = labels()
        if section == "trust":
            frame, failed = _trust_rows(frame)
            below = " ".join(filter(None, [failed, self.then()]))
        elif section == "homogeneity":
            heads["segments"] = say("comparison.label.filled_segments")
        elif section == "misclassification":
            frame = frame.sort_values("missed_revenue_share")
        elif section == "actionability":
            frame = frame[frame["customers"] > 0]
        elif section == "stability":
            frame = frame.replace({"reading": phrases("comparison.reading")})
        elif section == "differences":
            power = (frame["measure"] == "ranking_power") & frame["a"].isin(
                self.card.schemes
            )
            frame = frame[power].drop(columns="measure")
            joint = list(
                zip(frame.pop("joint_low"), frame.pop("joint_high"), strict=True)
            )
            frame.insert(len(frame.columns) - 1, "joint", joint)
        caption = say(f"comparison.caption.{section}", **CAPTION_FACTS.get(section, {}))
        pairs = "a" in frame  # a row per pair of schemes: its number says nothing
        if pairs:
            frame = frame.assign(a=names_of(frame["a"]), b=names_of(frame["b"]))
        else:
            frame = frame.rename(index=phrases("comparison.names"))
        formats = {"difference": "number", "joint": "number"}
        return table(
            frame,
            caption,
            labels=heads,
            formats=formats,
            note=below,
            index=not pairs,
        )

    def status(self) -> Html:
        """The status of every scheme with its reason, in words a reader knows."""
        standing = phrases("comparison.standing")
        rows = {}
        for name, status in self.card.status.items():
            rows[scheme_name(name)] = {
                "status": standing[status.kind],
                "reason": status.reason,
            }
        columns = ["status", "reason"]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
        frame = frame.rename_axis(say("comparison.label.scheme"))
        caption = say("comparison.caption.status")
        remark = say("comparison.status.whose")
        return table(frame, caption, labels=labels(), note=remark)

    def what_settled_means(self) -> Html:
        """The rule behind the status, with the thresholds that were used."""
        facts = {"months": MONTHS, "limit": GAIN}
        text = say(
            "comparison.status.what",
            two=agreement_needed(2),
            many=agreement_needed(11),
            **facts,
        )
        return note(text.replace("*", ""))

    def flows(self, scheme: str | None = None) -> Html:
        """Where the customers of a scheme's segments (the first's) are by every other scheme."""
        first = scheme or self.card.schemes[0]
        tables = []
        for (a, b), counts in self.card.flows.items():
            if a == first:
                facts = {"first": scheme_name(a), "second": scheme_name(b)}
                tables.append(
                    flow_table(counts, say("comparison.caption.flow", **facts))
                )
        if not tables:
            return note(say("comparison.summary.one_scheme"))
        return details(
            say("comparison.summary.flows", first=scheme_name(first)), *tables
        )

    def moves(self) -> Html:
        """From which segment to which customers moved, by the same cut points."""
        tables = []
        for name, moved in self.card.matrices.items():
            caption = say("comparison.caption.moves", scheme=scheme_name(name))
            tables.append(flow_table(moved, caption))
        return details(say("comparison.summary.moves"), *tables)

    # How it was judged
    # ---------------------------------------------------------------------------------------------

    def notes(self) -> list[str]:
        """What a reader must know to weigh the figures."""
        trial = self.card.trial
        found = []
        if trial.drawn_from:
            facts = {"customers": trial.customers, "everybody": trial.drawn_from}
            found.append(say("comparison.note.sample", **facts))
        if trial.left_out:
            left = [
                say("comparison.note.left_one", count=count, scheme=scheme_name(name))
                for name, count in trial.left_out.items()
            ]
            found.append(say("comparison.note.left_out", left=left))
        judged = {"customers": trial.customers, "bought": trial.bought_share}
        found.append(say("comparison.note.judged", **judged))
        found.append(say("comparison.note.intervals", draws=trial.draws))
        found.append(
            say("comparison.note.capped", percentile=CAP_PERCENTILE, cap=trial.cap)
        )
        found.append(say("comparison.note.chance"))
        if trial.crossed:
            found.append(say("comparison.note.crossed", folds=FOLDS))
        if not trial.dated:
            found.append(say("comparison.note.undated"))
        found.append(say("comparison.note.calibration"))
        return found

    def how_judged(self) -> Html:
        """The notes as one piece of the page."""
        return note(" ".join(self.notes()))

    def glossary(self) -> Html:
        """Every figure with its meaning, range, and which end is good."""
        rows = []
        for name, found in METRICS.items():
            better = say(f"comparison.better.{found.higher_is_better}")
            rows.append(
                {
                    "metric": say(f"comparison.metric.{name}.title"),
                    "meaning": say(f"comparison.metric.{name}.meaning"),
                    "from": found.low,
                    "to": found.high,
                    "better": better,
                }
            )
        frame = pd.DataFrame(rows).set_index("metric")
        return table(frame, say("comparison.caption.glossary"), labels=labels())


def labels() -> dict[str, str]:
    """Column to header, in the words of the field."""
    found = {name: say(f"comparison.metric.{name}.title") for name in METRICS}
    for column in phrases("comparison.label"):
        found[column] = say(f"comparison.label.{column}", **NUDGE)
    return found


def _trust_rows(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Rows with a score, best first, and the baselines that failed, as a line below."""
    failed = frame.loc[frame["ranking_power"].isna(), "note"]
    below = "; ".join(f"{scheme_name(name)}: {why}" for name, why in failed.items())
    shown = frame[frame["ranking_power"].notna()]
    shown = shown.sort_values("ranking_power", ascending=False).drop(
        columns=["note", "band_count"]
    )
    shown = shown.replace(
        {"kind": phrases("comparison.kind"), "learned": phrases("comparison.learned")}
    )
    last = ["segments", "kind", "learned"]
    return shown[[*shown.columns.drop(last), *last]], below


def flow_table(counts: pd.DataFrame, caption: str) -> Html:
    """A flow or migration matrix as shares of its rows; rows and columns without customers are
    left out."""
    counts = counts.loc[counts.sum(axis=1) > 0, counts.sum(axis=0) > 0]
    shares = counts.div(counts.sum(axis=1), axis=0)
    return table(shares, caption, formats=dict.fromkeys(shares.columns, "share"))


PICTURES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "misclassification": pictures.missed_money,
    "agreement": pictures.agreement_heatmap,
    "movement": pictures.movement_bars,
    "sufficiency": pictures.sufficiency_lines,
}
