"""Could a person say in three questions which segment a customer is in?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from segment_lab.evaluation.baselines import features
from segment_lab.features.proportions import with_interval
from segment_lab.segmentation import Segmentation

SAMPLE = 20_000


def tree_accuracy(segmentation: Segmentation, customers: pd.DataFrame, *, depth: int = 3, folds: int = 5,
                  sample: int = SAMPLE, seed: int = 0) -> pd.Series:
    """Cross-validated ``accuracy`` of a shallow tree on the customer table, with its interval.

    Beside it ``majority_accuracy``, that of always naming the largest segment. Above `sample` customers a fixed
    random sample is used (``customers`` says how many).
    """
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    rows = features(segmentation.align(customers))
    if len(rows) > sample:
        rows = rows.sample(sample, random_state=seed)
    codes, n = segmentation.codes.loc[rows.index].to_numpy(), len(rows)
    right = np.full(n, np.nan)
    if n >= 2 * folds:
        tree = DecisionTreeClassifier(max_depth=depth, random_state=seed)
        right = cross_val_predict(tree, rows, codes, cv=KFold(folds, shuffle=True, random_state=seed)) == codes
    return pd.concat([pd.Series({"customers": n}), with_interval([right.sum()], [n], "accuracy").iloc[0],
                      pd.Series({"majority_accuracy": np.bincount(codes).max() / n})])
