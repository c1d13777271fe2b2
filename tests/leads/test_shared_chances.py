"""What the leads page and the lists ask of the model is made once."""

from __future__ import annotations

import ibis
import pandas as pd

from segment_lab.leads.model import LeadModel


def test_parameters_as_a_notebook_writes_them_are_the_same_question():
    asked = []

    def keep(name, options, make):
        asked.append((name, options))
        return make

    for won in (("won", "1"), ["won", "1"]):
        analysis = LeadModel(won=won).analyse(_leads(), keep=keep)
        _ = analysis.estimates
    assert asked[0] == asked[1]


def _leads():
    rows = pd.DataFrame({"lead_id": ["1", "2", "3"], "status": ["won", "lost", "open"]})
    return ibis.memtable(rows)
