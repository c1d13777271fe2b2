"""Which segmentation deserves trust: metrics, baselines and the scorecard."""

from segment_lab.judge.learning import Training
from segment_lab.judge.protocol import compare
from segment_lab.judge.registry import METRICS, Metric, glossary
from segment_lab.judge.scorecard import Scorecard, scorecard
from segment_lab.judge.stability import Later
from segment_lab.judge.sufficiency import Step

__all__ = [
    "METRICS",
    "Later",
    "Metric",
    "Scorecard",
    "Step",
    "Training",
    "compare",
    "glossary",
    "scorecard",
]
