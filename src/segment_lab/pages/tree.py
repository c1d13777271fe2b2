"""What the page of the learned rules shows."""

from __future__ import annotations

import pandas as pd

from segment_lab import show
from segment_lab.show import Html
from segment_lab.show.pictures import segments as pictures
from segment_lab.study.study import Study
from segment_lab.texts import say


class TreePage:
    """The learned rules of a study: what they are, whom they name, what they promise."""

    def __init__(self, study: Study):
        self.study = study
        self.fitted = study.fitted("tree")
        self.segments = study.segmentation("tree")
        self.profile = self.segments.profile(study.customers())
        self.days = study.config.comparison.horizon_days

    def headline(self) -> Html:
        """How few rules tell who will spend, and how far apart they are."""
        fitted, best = self.fitted, self.profile.iloc[0]
        spent = fitted.spent_
        figures = {
            "rules": len(spent),
            "best_rule_customers": int(best.customers),
        }
        if len(spent) == 1:
            return show.headline(say("tree.page.one", days=self.days), figures=figures)
        first = say(
            "tree.page.lead",
            rules=len(spent),
            customers=best.customers,
            customer_share=best.customer_share,
            name=self.profile.index[0],
        )
        second = say(
            "tree.page.spread",
            days=self.days,
            best=spent[0],
            last=spent[-1],
            last_name=self.profile.index[-1],
        )
        return show.headline(
            first, second, figures=figures, status=self.segments.status
        )

    def spent(self) -> Html:
        """What the customers of each rule spent on average."""
        means = pd.Series(self.fitted.spent_, index=self.profile.index)
        drawn = pictures.spent(means, say("tree.page.spent"))
        return show.figure(drawn, caption=say("tree.page.picture", days=self.days))

    def rules(self) -> Html:
        """Every rule with what its customers spent, and how many it names today."""
        table = pd.DataFrame(
            {
                "customers": self.profile["customers"],
                "customer_share": self.profile["customer_share"],
                "mean_revenue": self.fitted.spent_,
                "customers_learned_on": self.fitted.learned_on_,
            }
        )
        labels = {
            "customers": say("tree.page.today"),
            "mean_revenue": say("tree.page.spent"),
            "customers_learned_on": say("tree.page.learned_on"),
        }
        as_of = self.study.window.as_of.isoformat()
        caption = say("tree.page.rules", days=self.days, as_of=as_of)
        remark = say("tree.page.monthly", days=self.fitted.way_.known_days)
        return show.table(table, caption, labels=labels, note=remark)

    def shares(self) -> Html:
        """Share of the customers and of the revenue so far."""
        return show.figure(
            pictures.shares(self.profile), caption=say("tree.page.shares")
        )

    def trust(self) -> Html:
        """Where the rules are judged."""
        return show.note(say("tree.page.compared"))
