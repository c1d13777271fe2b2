"""Clusters as arithmetic that every warehouse can do: logs of the features, and a polynomial of
them per cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd


def log_features(
    values: np.ndarray,
    units: Sequence[float],
    signed: Sequence[bool],
) -> np.ndarray:
    """``sign(x)·log(1 + |x|/unit)`` per column; columns that cannot be negative are cut at 0."""
    values = np.asarray(values, dtype="float64") / np.asarray(units)
    up = np.log1p(values.clip(min=0))
    down = np.log1p((-values).clip(min=0))
    return up - np.where(signed, down, 0)


def log_expression(
    value: ir.NumericValue, unit: float, signed: bool
) -> ir.NumericValue:
    """`log_features` of one column, as an expression."""
    value = value if unit == 1 else value / unit
    up = (ibis.greatest(value, 0.0) + 1).ln()
    if not signed:
        return up
    return up - (ibis.greatest(-value, 0.0) + 1).ln()


def typical_size(values: pd.Series) -> float:
    """The median size of the values that are not zero, to three digits."""
    sizes = values.abs()[values != 0]
    return float(f"{sizes.median():.3g}") if len(sizes) else 1.0


def discriminants(model: Any, scaler: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per cluster the constant (k,), linear (k, p) and quadratic (k, p, p) part of its score in
    unscaled logs.

    k-means: the nearest centre has the largest ``c·z − |c|²/2``. Mixture: the log density plus log
    weight.
    """
    if hasattr(model, "cluster_centers_"):
        linear = model.cluster_centers_
        constant = -0.5 * (linear**2).sum(axis=1)
        quadratic = np.zeros((*linear.shape, linear.shape[1]))
    else:
        quadratic = -0.5 * model.precisions_
        linear = np.einsum("kab,kb->ka", model.precisions_, model.means_)
        volume = np.linalg.slogdet(model.precisions_)[1]
        at_mean = np.einsum("ka,ka->k", linear, model.means_)
        constant = np.log(model.weights_) + 0.5 * volume - 0.5 * at_mean
    # From standard units back to logs.
    mean, scale = scaler.mean_, scaler.scale_
    quadratic = quadratic / np.outer(scale, scale)
    moved = np.einsum("a,kab,b->k", mean, quadratic, mean)
    constant = constant - linear @ (mean / scale) + moved
    linear = linear / scale - 2 * quadratic @ mean
    return constant, linear, quadratic


def short(values: np.ndarray) -> np.ndarray:
    """Twelve significant digits: fewer than a double has, so that every warehouse reads the same
    number."""
    return np.vectorize(lambda v: float(f"{v:.12g}"))(values)
