"""How often queries of the sample are compiled: once a shape, not once a day or a cut point."""

from __future__ import annotations

import pytest
from ibis.backends.duckdb import Backend

import segment_lab as sl
from datasets import ROOT
from segment_lab.data import embedded


@pytest.mark.slow
def test_three_days_of_every_scheme_compile_few_queries(monkeypatch, tmp_path):
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path))
    compiled = []
    compile_anew = Backend.compile

    def counted(self, expr, **options):
        compiled.append(self is embedded.shared())
        return compile_anew(self, expr, **options)

    monkeypatch.setattr(Backend, "compile", counted)
    quick = {"clusters": {"k": 5, "bootstraps": 0}}
    study = sl.Study.from_yaml(ROOT / "configs" / "sample.yml", methods=quick)
    study.check()
    taking_in = len(compiled)
    embedded.shared().__dict__.pop("statements", None)
    counts = []
    for day in ("2026-07-01", "2026-04-01", "2026-01-01"):
        before = len(compiled)
        study.at(day).segmentations()
        counts.append(len(compiled) - before)
    assert sum(compiled) < 120  # rules
    assert len(compiled) - sum(compiled) - taking_in < 30  # all other questions
    assert max(counts[1:]) <= 10  # a further day: rules with another number of branches
