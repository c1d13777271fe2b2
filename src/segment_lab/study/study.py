"""`Study`: the one door that notebooks and the command line use, from a study file to segments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from segment_lab.data.arguments import Count, Days, checked
from segment_lab.data.given import of_kind
from segment_lab.errors import NotEnoughDataError
from segment_lab.schemes import SCHEMES, imported, scheme
from segment_lab.segments.base import Segmenter
from segment_lab.segments.segmentation import Segmentation, Status
from segment_lab.study.config import check_options, load
from segment_lab.study.warehouse import Assignment, StateStatement, assign, statement
from segment_lab.study.wings import StudyWings
from segment_lab.texts import say

if TYPE_CHECKING:
    from segment_lab.judge import Change, Scorecard

# Above so many customers schemes are compared on a sample: the intervals are narrow by then, and
# memory is bounded.
JUDGED = 100_000


class Study(StudyWings):
    """A company's data, the window they are seen in, and the segmentations made of them.

    Use `from_yaml`. Everything is computed when asked for and kept; `at` gives the same study on
    another day.

    Attributes
    ----------
    name, title, currency : str
    window : ObservationWindow
        From the file's ``window`` and ``as_of``; as_of defaults to the day after the last order.

    Examples
    --------
    >>> import os, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> _ = open(os.path.join(folder, "orders.csv"), "w").write(
    ...     "customer_id,order_date,amount\\na,2026-01-05,10\\na,2026-02-05,20\\nb,2026-02-20,5\\n"
    ... )
    >>> path = os.path.join(folder, "shop.yml")
    >>> _ = open(path, "w").write("name: shop\\nsources:\\n  orders: {path: orders.csv}\\n")
    >>> study = Study.from_yaml(path)
    >>> study.window.as_of.isoformat(), study.customers().revenue.to_dict()
    ('2026-02-21', {'a': 30.0, 'b': 5.0})
    """

    @property
    def methods(self) -> list[str]:
        """The schemes that apply: those asked for, or the defaults, as far as their tables are
        here."""
        defaults = [scheme.name for scheme in SCHEMES.values() if scheme.default]
        wanted = self.config.methods or defaults
        return [name for name in SCHEMES if name in wanted and not self.missing(name)]

    @property
    def compared(self) -> list[str]:
        """The schemes that a scorecard holds: all but those that campaigns taught."""
        return [name for name in self.methods if not scheme(name).from_campaign]

    @cached_property
    def as_filed(self) -> Study:
        """The study with the methods of its file, where this one tries others: what a company
        decides does not change because somebody looks at five bins instead of four."""
        if self.path is None:
            return self
        config = self.config.model_copy(update={"methods": load(self.path).methods})
        filed = type(self)(config, self.base, path=self.path)
        filed._of_file = self._of_file
        named = {*self.config.methods, *filed.config.methods}
        same = self.methods == filed.methods
        same = same and all(self.options(name) == filed.options(name) for name in named)
        return self if same else filed

    def missing(self, method: str) -> list[str]:
        """Tables a scheme needs and the study does not have."""
        declared = scheme(method)
        return self.lacking(declared.tables, declared.from_summary)

    def options(self, method: str) -> dict[str, Any]:
        """The validated options of a method, defaults filled in."""
        return check_options(method, self.config.methods.get(method, {}))

    def segmenter(self, method: str) -> Any:
        """A fresh, unfitted segmenter with the study's options."""
        options = self.options(method)
        segmenter = scheme(method).segmenter_class(**options)
        return self._seasonal(segmenter)

    def _seasonal(self, segmenter: Any) -> Any:
        """A segmenter that tells silence, with the months as they lie before this day."""
        if not hasattr(segmenter, "on"):
            return segmenter
        return segmenter.on(self.season, self.window.as_of)

    def fitted(self, method: str) -> Any:
        """The segmenter of a method, fitted at as_of (kept on disk under the data's
        fingerprint)."""
        if gone := self.missing(method):
            raise NotEnoughDataError(
                say("study.needs", method=method, tables=gone, name=self.name)
            )
        options = self.options(method)
        return self.cached(f"fitted-{method}", options, lambda: self._fit(method))

    def _fit(self, method: str) -> Any:
        """A segmenter fitted to today's rows; a learned one to an earlier day and what followed."""
        segmenter = self.segmenter(method)
        if scheme(method).from_campaign or scheme(method).learned:
            return segmenter.fit(*self._lessons(method))
        return segmenter.fit(self.population(method))

    def _lessons(self, method: str) -> tuple[pd.DataFrame, Any]:
        """What a learned scheme is fitted to: customers on an earlier day, and what followed."""
        if scheme(method).from_campaign:
            return self.trial()
        days = self.config.comparison.horizon_days
        before = self.at(self.window.as_of - dt.timedelta(days=days))
        earlier = before.population(method)
        spent = before.outcomes(days)["future_revenue"].reindex(earlier.index)
        return earlier, spent.fillna(0.0)

    @checked
    def segmentation(self, method: str, fitted: Any = None) -> Segmentation:
        """The segments of a method at as_of; with `fitted`, by a rule learned elsewhere (frozen
        cuts)."""
        if fitted is not None:
            of_kind("segmentation", fitted=(fitted, Segmenter))
            frozen = self._seasonal(copy(fitted))
            return frozen.segment(self.population(method), self.window)
        return self._keep(("segmentation", method), lambda: self._segmented(method))

    def _segmented(self, method: str) -> Segmentation:
        learned, rows = self.fitted(method), self.population(method)
        options = repr(self.options(method))

        def told() -> pd.Series:
            return pd.Series(learned.predict(rows), rows.index)

        codes = self.shared(f"codes-{method}", options, told).loc[rows.index]
        return learned.segment(
            rows, self.window, lambda: self.status(method), codes=codes.to_numpy()
        )

    def segmentations(self) -> dict[str, Segmentation]:
        """Every scheme that applies."""
        return {method: self.segmentation(method) for method in self.methods}

    @checked
    def scorecard(
        self,
        own: Mapping[str, Any] | None = None,
        *,
        horizon_days: Days | None = None,
        **options: Any,
    ) -> Scorecard:
        """How far each scheme deserves trust, out of time; see `segment_lab.judge.compare`.

        Parameters
        ----------
        own : mapping of str to Segmentation, optional
            Labels from elsewhere, made before the judged period.
        horizon_days, **options
            The judged period, ``draws`` and ``seed``; the study file's ``comparison`` by default.
        """
        from segment_lab.judge.protocol import compare

        options = {**self.config.comparison.model_dump(), **options}
        if horizon_days is not None:
            options["horizon_days"] = horizon_days

        def make() -> Scorecard:
            judged = self.drawn(JUDGED)
            card = compare(judged, self.compared, whole=self, own=own, **options)
            if judged is self:
                return card
            everybody = len(self.customers())
            return replace(card, trial=replace(card.trial, drawn_from=everybody))

        if own:
            return make()
        methods = [(method, self.options(method)) for method in self.methods]
        horizon_days = self.config.comparison.horizon_days
        return self.cached("scorecard", (options, horizon_days, methods), make)

    def history(self, method: str) -> pd.DataFrame:
        """What each month of data changed in a scheme; the reports share it, because it takes many
        fits."""
        from segment_lab.judge.protocol import history_of

        horizon_days = self.config.comparison.horizon_days

        def made() -> pd.DataFrame:
            company = self.drawn(JUDGED)
            found = history_of(company, method, horizon_days)
            company._forget_days()  # seven, which few others ask for
            return found

        asked = (horizon_days, self.options(method))
        return self.cached(f"history-{method}", asked, made)

    def status(self, method: str) -> Status:
        """Whether a scheme may be acted on: PROPER, FIXED (rules that learn nothing) or
        PRELIMINARY, with the reason."""
        from segment_lab.act.response_tree import FALSE_ALARM
        from segment_lab.judge.sufficiency import MIN_BUYERS, MIN_DAYS, assess

        if scheme(method).from_campaign:
            found = self.fitted(method).difference_found_
            kind = "PROPER" if found else "PRELIMINARY"
            facts = {"cases": round(1 / FALSE_ALARM)}
            return Status(kind, f"campaigns.response.{found}", facts)
        if not self.has("orders"):
            return Status("PRELIMINARY", "summary.status")
        orders = self.population(method)["frequency"]
        buyers, days = int((orders > 0).sum()), self.window.days
        enough = days >= MIN_DAYS and buyers >= MIN_BUYERS
        history = self.history(method) if enough else pd.DataFrame()
        return assess(history, days, buyers)

    def show(self, report: str) -> Any:
        """The page of a report (``rfm``, ``strategy`` …: a name that ``--only`` takes), to be
        looked at in a notebook.

        It is made of this study as it stands, with the study file's parameters.
        """
        page: Any = imported("segment_lab.render.inside:inside")
        return page(self, report)

    @checked
    def change(
        self, method: str, days: Days = 90, until: dt.date | None = None
    ) -> Change:
        """What changed in a scheme within `days` up to `until` (today): by today's cuts, through
        windows of equal length; see `segment_lab.judge.change`."""
        from segment_lab.judge.change import change

        def made() -> Change:
            return change(self, method, days, until).plain()

        return self.shared("change", (method, self.options(method), days, until), made)

    @checked
    def to_sql(
        self,
        method: str,
        dialect: str = "duckdb",
        *,
        source: Literal["orders", "customers"] = "orders",
        table: str | None = None,
        accounts: str = "customers",
        day: str | None = None,
    ) -> str:
        """One statement that gives ``customer_id, segment`` in a warehouse; for the method
        ``state`` ``customer_id, state, p_active, rhythm_days``.

        Parameters
        ----------
        method, dialect : str
            A scheme that applies, or ``state``; duckdb, postgres, bigquery, snowflake, pyspark,
            clickhouse …: what Ibis compiles.
        source : {"orders", "customers"}
            Start from accepted order lines under canonical names (``customer_id, order_id,
            order_date, amount``): only buyers can be found there. Or from a customer table with
            the columns of `population`, prospects included.
        table, accounts : str
            That table's name there (default: the word of `source`); beside orders, the table of
            account columns (``vip, region`` …), joined only where the rule reads one.
        day : str, optional
            The day that customers are described on, whenever the statement is run:
            ``"current_date"``, or a parameter such as ``":day"``. The cut points stay those that
            were learned. By default the day is the study's own, and later orders change nothing.
        """
        states = method == "state"
        rule = StateStatement(self.state_rule) if states else self.fitted(method)
        return statement(self, rule, dialect, source, table, accounts, day)

    @checked
    def assign(
        self,
        method: str,
        target: str | Path,
        *,
        limit: Count = 1_000_000,
        seed: int = 0,
        progress: Callable[[str], None] = lambda step: None,
    ) -> Assignment:
        """Segments of every buyer, written to a Parquet file by the engine; customers never enter
        pandas.

        For bases beyond memory: the rule is learned on at most about `limit` customers (drawn by a
        hash of their id and the `seed`, the same on every engine) and applied to all where they
        are. A learned scheme is fitted to as many as they stood earlier, and to what they did
        since. Schemes that need more than orders and account columns are refused. `target` is the
        Parquet file of ``customer_id, segment``; `progress` is told each step in words.
        """
        segmenter = self.segmenter(method)

        def taught(everybody: int) -> tuple[Any, int]:
            whole = scheme(method).from_campaign
            part = self if whole else self.drawn(limit, everybody)
            customers, followed = part._lessons(method)
            return segmenter.fit(customers, followed), len(customers)

        return assign(
            self,
            segmenter,
            Path(target),
            limit,
            seed,
            progress,
            taught if segmenter.supervised else None,
        )

    def __dir__(self) -> list[str]:
        """What Tab offers: the public names, the schemes among them."""
        return sorted(name for name in super().__dir__() if not name.startswith("_"))

    def __repr__(self) -> str:
        as_of = self.config.as_of or say("study.as_of")
        return f"Study({self.name}: {', '.join(self.config.sources)}; as_of {as_of})"

    def _repr_html_(self) -> str:
        from segment_lab.show.tables import table

        rows = []
        for name, source in self.config.sources.items():
            rows.append(
                (name, source.path or say("study.database"), len(source.columns))
            )
        heads = [say(f"study.columns.{name}") for name in ("table", "source", "mapped")]
        frame = pd.DataFrame(rows, columns=heads).set_index(heads[0])
        facts = {
            "window": self.window,
            "as_of": self.window.as_of,
            "schemes": self.methods,
        }
        return table(frame, say("study.shown", title=self.title, **facts))._repr_html_()


def _named(method: str) -> property:
    """``study.rfm`` for ``study.segmentation("rfm")``.

    A property, not `__getattr__`: Tab asks its type of the annotation, where it would segment
    everybody to see what comes.
    """

    def segments(study: Study) -> Segmentation:
        return study.segmentation(method)

    segments.__doc__ = f"``study.segmentation({method!r})``"
    return property(segments)


def _offer_schemes() -> None:
    for method in SCHEMES:
        setattr(Study, method, _named(method))


_offer_schemes()
