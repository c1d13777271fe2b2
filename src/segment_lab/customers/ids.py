"""Customers' ids, looked up in other ids."""

from __future__ import annotations

import numpy as np
import pandas as pd


def among(ids: pd.Index, known: pd.Index) -> np.ndarray:
    """Whether each of `ids` is one of `known`; for texts `Index.isin` takes ten times as long.

    Examples
    --------
    >>> among(pd.Index(["a", "b"]), pd.Index(["b", "c"])).tolist()
    [False, True]
    """
    if not known.is_unique:
        return ids.isin(known)
    return known.get_indexer(ids) >= 0
