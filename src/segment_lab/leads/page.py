"""The leads page: it gathers what a `LeadModel` found, and says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from segment_lab.customers.rates import with_interval
from segment_lab.errors import NotEnoughDataError
from segment_lab.leads import pictures
from segment_lab.leads.analysis import LeadAnalysis
from segment_lab.leads.model import LeadModel
from segment_lab.segments.base import Finding
from segment_lab.show.cards import details, group, headline, note, says_why
from segment_lab.show.cards import finding as sentence
from segment_lab.show.figures import figure
from segment_lab.show.macros import Html
from segment_lab.show.tables import table
from segment_lab.study.study import Study
from segment_lab.texts import phrases, say, speak
from segment_lab.texts.formats import words

#: These columns hold the company's own words.
OWN = dict.fromkeys(("source", "segment", "lost_reason"), "written")


@dataclass
class LeadsPage:
    """What the leads report shows, piece by piece; `leads` holds its plain tables.

    Parameters
    ----------
    study : Study
    model : LeadModel
    """

    study: Study
    model: LeadModel = field(default_factory=LeadModel)

    def __post_init__(self) -> None:
        speak(currency=self.study.currency)

    @cached_property
    def leads(self) -> LeadAnalysis:
        study = self.study
        history = study.table("lead_stages") if study.has("lead_stages") else None
        leads, as_of = study.table("leads"), study.window.as_of
        return self.model.analyse(leads, history, as_of, study.shared)

    def headline(self) -> Html:
        found = finding(self.leads)
        return headline(
            *found.sentences, figures=found.figures, currency=self.study.currency
        )

    def board(self) -> Html:
        """Open leads by stage and age, as a map."""
        rows = self.leads.waiting()
        if rows.empty:
            return note(say("leads.board.empty"))
        stuck = int(rows["stuck"].fillna(False).sum())
        caption = say("leads.board.caption", stuck=stuck, waiting=len(rows))
        return group(
            figure(pictures.board(self.leads.board()), caption=caption),
            *map(sentence, self.advice()),
        )

    def advice(self) -> list[str]:
        """What to do with the open leads: by heat where the model ranks, and with stuck ones."""
        waiting = self.leads.waiting()
        stuck = int(waiting["stuck"].fillna(False).sum())
        said = []
        if "band" in waiting:
            counts = waiting["band"].astype(str).value_counts()
            for band in ("Hot", "Warm", "Cold"):
                if counts.get(band, 0):
                    said.append(say(f"leads.advice.{band.lower()}", count=counts[band]))
        if stuck:
            said.append(say("leads.advice.stuck", count=stuck))
        return said

    def open(self, rows: int = 15) -> Html:
        """The open leads, the first `rows` shown and all of them folded."""
        waiting = self.leads.waiting()
        empty = say("leads.open.empty")
        remark = say("leads.open.note")
        try:
            bands = self.leads.bander if len(self.leads.chances) else None
        except NotEnoughDataError as reason:
            bands, remark = None, say("leads.open.unranked_note", reason=str(reason))
        caption = say("leads.open.unranked")
        if bands is not None:
            caption = say(
                "leads.open.ranked", hot=bands.hot_, cold=bands.cold_, base=bands.base_
            )
        shown = table(
            waiting,
            caption,
            formats=OWN,
            rows=rows,
            empty=empty,
            note=remark,
            file="leads.xlsx",
        )
        if len(waiting) <= rows:
            return shown
        whole = say("leads.open.whole", count=len(waiting))
        everyone = table(waiting, whole, formats=OWN, rows=len(waiting))
        return group(shown, details(whole, everyone))

    def slices(self) -> Html:
        """The share that goes on from each stage, by source, owner and segment."""
        drawn = [
            by
            for by in self.leads.splits
            if self.leads.slices(by).notna().to_numpy().any()
        ]
        return group(
            *(
                figure(
                    pictures.slices(self.leads.slices(by), by),
                    caption=say("leads.slices.caption", by=words(by)),
                )
                for by in drawn
            )
        )

    def slices_tables(self) -> Html:
        """The funnel of every value of source, owner and segment."""
        pieces = []
        for by in self.leads.splits:
            said = say("leads.slices.table", by=words(by))
            pieces.append(
                details(
                    said,
                    table(
                        self.leads.funnel(by),
                        said,
                        formats=OWN,
                    ),
                )
            )
        return group(*pieces)

    @says_why
    def bands(self) -> Html:
        """Tested leads by band."""
        return table(self.leads.bands(), say("leads.bands"))

    @says_why
    def ignoring(self) -> Html:
        """What ignoring leads saves and loses."""
        self._ranked()
        drawn = pictures.ignoring(self.leads.cost_of_ignoring())
        return figure(drawn, caption=say("leads.ignoring.caption"))

    @says_why
    def ignoring_table(self) -> Html:
        self._ranked()
        costs = table(
            self.leads.cost_of_ignoring(), say("leads.ignoring.table"), index=False
        )
        return details(say("leads.ignoring.summary"), costs)

    def _ranked(self) -> None:
        """NotEnoughDataError where the model ranks nothing."""
        _ = self.leads.chances

    def funnel(self) -> Html:
        """The funnel as a picture."""
        stages = self.leads.funnel()
        entered = stages["entered"]
        caption = say(
            "leads.funnel.caption",
            first=entered.iloc[0],
            last=entered.iloc[-1],
            stage=entered.index[-1],
        )
        return figure(pictures.funnel(stages), caption=caption)

    def funnel_table(self) -> Html:
        caption = say("leads.funnel.table", currency=self.study.currency)
        return table(self.leads.funnel(), caption, note=say("leads.funnel.note"))

    def time(self) -> Html:
        """How long a deal takes."""
        return table(
            self.leads.deal_time(),
            say("leads.time.table"),
            note=say("leads.time.note"),
            empty=say("leads.time.empty"),
        )

    def time_by(self) -> Html:
        """Deal time by source, owner and segment."""
        pieces = []
        for by in self.leads.splits if len(self.leads.deal_time()) else []:
            said = say("leads.time.by_table", by=words(by))
            rows = table(self.leads.deal_time(by), said, formats=OWN)
            pieces.append(details(say("leads.time.by", by=words(by)), rows))
        return group(*pieces)

    @says_why
    def how(self) -> Html:
        """How the model was tested."""
        return sentence(how_tested(self.leads))

    @says_why
    def fair(self) -> Html:
        """Whether the chances are right on the whole, or only their order may be."""
        return fairness(self.leads)

    @says_why
    def reliability(self) -> Html:
        """Predicted against actual wins."""
        drawn = pictures.reliability(self.leads.reliability())
        return figure(drawn, caption=say("leads.reliability"))

    @says_why
    def measures(self) -> Html:
        """Ranking and error, with baselines."""
        note_ = say("leads.measures.note")
        named = self.leads.measures().rename(index=phrases("leads.measures.names"))
        return table(named, say("leads.measures.table"), note=note_)

    def refused(self) -> Html:
        """Columns that the model may not read."""
        empty = say("leads.columns.refused_empty")
        return table(self.leads.refused, say("leads.columns.refused"), empty=empty)

    def admitted(self) -> Html:
        """The other columns."""
        empty = say("leads.columns.admitted_empty")
        rows = table(self.leads.admitted, say("leads.columns.admitted"), empty=empty)
        return details(say("leads.columns.others"), rows)


def how_tested(analysis: LeadAnalysis) -> str:
    """The way of the test in words."""
    how = analysis.estimates.how
    return say(f"leads.how.{how['way']}", **how)


def fairness(analysis: LeadAnalysis) -> Html:
    """`expected_wins` in words."""
    wins = analysis.expected_wins()
    inside = wins["low"] <= wins["came"] <= wins["high"]
    said = say(f"leads.fair.{'right' if inside else 'wrong'}", **wins)
    return note(said, "info" if inside else "warning")


def finding(analysis: LeadAnalysis) -> Finding:
    """The answer of the leads report: what to start with, how many are won, where most are lost,
    and the price of ignoring the cold."""
    decided = analysis.leads["won"].dropna()
    share, low, high = with_interval([decided.sum()], [len(decided)], "won").iloc[0]
    figures: dict[str, Any] = {
        "leads": len(analysis.leads),
        "leads_won": int(decided.sum()),
        "win_rate": float(share),
    }
    won = int(decided.sum())
    said = [
        say(
            "leads.headline.won",
            won=won,
            decided=len(decided),
            share=share,
            low=low,
            high=high,
        )
    ]
    said[0] += _steps(analysis)
    if analysis.leads.attrs.get("impossible"):
        said.append(
            say("leads.headline.impossible", count=analysis.leads.attrs["impossible"])
        )
    try:
        bands = analysis.bands()
        ranked = analysis.measures()["value"]["AUC"]
        figures["won_above_lost_share"] = float(ranked)
    except NotEnoughDataError as reason:
        places = analysis.waiting()
        stuck = int(places["stuck"].fillna(False).sum())
        first = say("leads.headline.stuck", waiting=len(places), stuck=stuck)
        said.append(say("leads.headline.no_ranking", reason=str(reason)))
        return Finding((*([first] if len(places) else []), *said), figures)
    cold = bands.loc["Cold"].to_dict()
    said.append(
        say(
            "leads.headline.ignoring",
            leads=cold["lead_share"],
            limit=analysis.bander.cold_,
            wins=cold["wins"],
            all=bands["wins"].sum(),
            share=cold["win_share"],
            low=cold["win_share_low"],
            high=cold["win_share_high"],
        )
    )
    waiting, hot = int(bands["open_leads"].sum()), int(bands["open_leads"].loc["Hot"])
    key = "start" if hot else "none_hot"
    if not waiting:
        key = "none_open"
    start = say(f"leads.headline.{key}", waiting=waiting, hot=hot)
    figures |= {
        "cold_leads_share": cold["lead_share"],
        "cold_wins_lost_share": cold["win_share"],
    }
    return Finding((start, *said), figures)


def _steps(analysis: LeadAnalysis) -> str:
    """Where most leads are lost, led by a blank; nothing with a single step."""
    steps = analysis.funnel().dropna(subset="conversion").sort_values("conversion")
    if len(steps) < 2:
        return ""
    shares = steps["conversion"]
    apart = steps["conversion_high"].iloc[0] < steps["conversion_low"].iloc[1:].min()
    if apart:
        said = say(
            "leads.headline.narrowest", stage=steps.index[0], share=shares.iloc[0]
        )
    else:
        said = say(
            "leads.headline.even",
            low=shares.iloc[0],
            high=shares.iloc[-1],
        )
    return f" {said}"
