"""The clusters page: which groups the data show, what to do with each, how far to trust them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from segment_lab import show
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.decision import DecisionReport
from segment_lab.pages.front.document import GROWTH
from segment_lab.pages.front.pictures import tone_of
from segment_lab.pages.serving import cards_of, serving_table, stance_shares
from segment_lab.segments.base import Finding
from segment_lab.segments.clusters import ClusterSegmenter
from segment_lab.segments.search import VALID, separation
from segment_lab.segments.segmentation import Segmentation
from segment_lab.show import Html, says_why
from segment_lab.show.pictures import maps
from segment_lab.show.pictures import segments as pictures
from segment_lab.study.study import Study
from segment_lab.texts import say
from segment_lab.texts.formats import words

SIZES = ["customers", "customer_share", "revenue_share"]


class ClustersPage:
    """The groups found in a study's data as tables, and the pieces that show them.

    Parameters
    ----------
    study : Study
        With the options of the method ``clusters``.
    """

    def __init__(self, study: Study):
        self.study = study
        self.customers = study.customers()
        self.fitted: ClusterSegmenter = study.fitted("clusters")
        self.groups = study.segmentation("clusters")

    # The tables.

    @cached_property
    def profile(self) -> pd.DataFrame:
        """Size, revenue and typical behaviour of each group."""
        return self.groups.profile(self.customers)

    @property
    def search(self) -> pd.DataFrame:
        """Stability and separation by number of groups."""
        return self.fitted.k_search_

    # The page, from top to bottom.

    def headline(self) -> Html:
        """How many groups there are, and how far to trust them."""
        found = headline(self.fitted, self.groups, self.customers)
        return show.headline(
            *found.sentences,
            figures=found.figures,
            status=self.groups.status,
            currency=self.study.currency,
        )

    def bubbles(self) -> Html:
        """Where the groups lie, and what each brings."""
        return show.figure(
            maps.bubbles(self.profile, tones=self.tones),
            caption=say("clusters.page.bubbles"),
        )

    @cached_property
    def tones(self) -> dict[str, str]:
        """By group whether its change in customers is good or bad news, as on page one's map."""
        try:
            change = DecisionReport(self.study, "clusters").change_of_segments
            stances = self.stances
        except NotEnoughDataError:
            return {}
        return {
            str(name): tone_of(change.loc[str(name)], GROWTH.get(stance, 0))
            for name, stance in stances["stance"].items()
        }

    @cached_property
    def stances(self) -> pd.DataFrame:
        """The ``stance`` that page one gives most customers of each group, and their ``share``."""
        shares = stance_shares(self.study, "clusters")
        known = shares[shares["customers"] > 0].drop(columns="customers")
        return pd.DataFrame(
            {
                "stance": known.idxmax(axis=1),
                "share": known.max(axis=1),
            }
        )

    def meanings(self) -> Html:
        """The groups with their typical customer."""
        return show.table(
            self.profile[SIZES].join(self.fitted.meaning_table()),
            say("clusters.page.segments", window=self.study.window),
            labels={
                "meaning": say("clusters.page.meaning", currency=self.study.currency)
            },
            links=cards_of(self.study, "clusters"),
            note=say("clusters.page.names"),
        )

    def serving(self) -> Html:
        """What to do with each group."""
        return serving_table(self.study, "clusters")

    def shares(self) -> Html:
        """Share of the customers beside share of the revenue."""
        return show.figure(
            pictures.shares(self.profile), caption=say("clusters.page.shares")
        )

    def differences(self) -> Html:
        """What sets the groups apart."""
        medians = self.fitted.profile_.drop(columns="customers")
        typical = self.customers[list(self.fitted.features)].median()
        drawn = pictures.profile_heatmap(medians, typical)
        return show.figure(drawn, caption=say("clusters.page.differences"))

    def reason(self) -> Html:
        """Why this number of groups."""
        return show.finding(self.fitted.reason_)

    @says_why
    def numbers(self) -> Html:
        """Stability and separation by number of groups."""
        everybody = len(self.customers)
        drawn = min(self.fitted.sample, everybody)
        caption = say("clusters.page.search", drawn=drawn, everybody=everybody)
        return show.figure(pictures.k_search, self.search, caption=caption)

    def numbers_table(self) -> Html:
        """The same as figures, folded."""
        names = {"k": "k", "jaccard": "mean", "jaccard_min": "weakest"}
        labels = {column: say(f"clusters.page.{key}") for column, key in names.items()}
        figures = show.table(
            self.search,
            say("clusters.page.search_table"),
            labels=labels,
            empty=say("clusters.page.equal"),
        )
        return show.details(say("clusters.page.figures"), figures)

    def trust(self) -> Html:
        """How the groups were made."""
        return show.note(method_remark(self.fitted))


def headline(
    fitted: ClusterSegmenter, segmentation: Segmentation, customers: pd.DataFrame
) -> Finding:
    """How many groups of customers there are, and how far to trust them."""
    profile = segmentation.profile(customers)
    best = profile.iloc[0]
    revenue_share = float(best.revenue_share)
    figures: dict[str, Any] = {
        "segments": fitted.k_,
        "best_segment_revenue_share": revenue_share,
    }
    if fitted.k_ == 1:
        return Finding((say("clusters.finding.one"),), figures)
    first = say(
        "clusters.finding.groups",
        k=fitted.k_,
        name=profile.index[0],
        customer_share=best.customer_share,
        revenue_share=revenue_share if np.isfinite(revenue_share) else None,
    )
    measures = ["jaccard", "jaccard_min", "silhouette"]
    row: Any = fitted.k_search_.loc[fitted.k_, measures].astype(float)
    apart = separation(row["silhouette"])
    second = say(
        "clusters.finding.trust",
        jaccard=row["jaccard"],
        jaccard_min=row["jaccard_min"],
        stable=row["jaccard"] >= VALID,
        apart=say(f"clusters.apart.{apart}"),
        clear=apart == "clear",
    )
    figures |= {
        "stability": float(row["jaccard"]),
        "silhouette": float(row["silhouette"]),
    }
    return Finding((first, second), figures)


def method_remark(fitted: ClusterSegmenter) -> str:
    """How the groups were made."""
    features = [words(feature).lower() for feature in fitted.features]
    return say("clusters.method", algorithm=fitted.algorithm, features=features)
