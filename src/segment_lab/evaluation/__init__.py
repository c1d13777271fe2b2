"""Which segmentation deserves trust: metrics, baselines and the scorecard."""

from segment_lab.evaluation.learning import Training
from segment_lab.evaluation.protocol import compare
from segment_lab.evaluation.registry import METRICS, Metric, glossary
from segment_lab.evaluation.scorecard import Scorecard, scorecard
from segment_lab.evaluation.stability import Later
from segment_lab.evaluation.sufficiency import Step

__all__ = ["METRICS", "Later", "Metric", "Scorecard", "Step", "Training", "compare", "glossary", "scorecard"]
