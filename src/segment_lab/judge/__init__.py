"""Which segmentation deserves trust: metrics, baselines and the scorecard."""

from segment_lab.judge.card import Background, Scorecard
from segment_lab.judge.change import Change, change
from segment_lab.judge.company import Company
from segment_lab.judge.learning import Training
from segment_lab.judge.protocol import compare
from segment_lab.judge.registry import METRICS, Metric
from segment_lab.judge.scorecard import scorecard
from segment_lab.judge.sufficiency import Step

__all__ = [
    "METRICS",
    "Background",
    "Change",
    "Company",
    "Metric",
    "Scorecard",
    "Step",
    "Training",
    "change",
    "compare",
    "scorecard",
]
