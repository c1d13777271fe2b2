"""Two pages of one run never give another number of segments for a scheme without saying so."""

from __future__ import annotations

import pytest

from segment_lab import texts
from segment_lab.pages.comparison import ComparisonPage
from segment_lab.sample import write
from segment_lab.study.study import Study

CONFIG = """
name: agree
as_of: 2026-07-01
sources:
  orders: {path: orders.csv}
methods: {rfm: {}, abc: {}, lifecycle: {}, clusters: {}, tree: {}}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("agree")
    write(folder, customers=400)
    (folder / "study.yml").write_text(CONFIG)
    return Study.from_yaml(folder / "study.yml")


@pytest.mark.parametrize("language", texts.languages())
def test_where_a_number_of_segments_differs_the_comparison_says_so(study, language):
    page = ComparisonPage.of(study)
    trust = page.card["trust"]
    differing = []
    with texts.speaking(language):
        for name, segmentation in study.segmentations().items():
            judged = int(trust.loc[name, "segments"])
            if judged != len(segmentation.names):
                differing.append(name)
                line = texts.say(
                    "comparison.then.number",
                    scheme=texts.say(f"comparison.names.{name}"),
                    then=judged,
                    now=len(segmentation.names),
                )
                assert line in str(page.matrix())
    assert differing  # the learned rules of the sample: otherwise nothing was tried
