"""BG/NBD and Gamma-Gamma through pymc-marketing (optional extra ``clv``), by maximum likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

WEEK = 7.0


def expected_revenue(customers: pd.DataFrame, days: int) -> np.ndarray:
    """Expected revenue per customer in the next `days`, from the customer table alone; shape (n,).

    Time is counted in weeks. Spend per order comes from the Gamma-Gamma model of those who came back; `monetary_value`
    holds the first order too. Flat priors: the mode is the published maximum-likelihood estimate (CDNOW: r .2426,
    alpha 4.4135, a .7929, b 2.4258).
    """
    try:
        from pymc_extras.prior import Prior
        from pymc_marketing.clv import BetaGeoModel, GammaGammaModel
    except ModuleNotFoundError:
        raise ModuleNotFoundError("pymc-marketing is not installed; pip install 'segment-lab[clv]'") from None

    data = summary(customers)
    orders = BetaGeoModel(data=data, model_config={p: Prior("HalfFlat") for p in ("r", "alpha", "a", "b")})
    orders.fit(method="map", progressbar=False)
    payers = data[(data["frequency"] > 0) & (data["monetary_value"] > 0)]
    spend = GammaGammaModel(data=payers)
    spend.fit(method="map", progressbar=False)
    # Who never came back, or paid nothing, is expected to spend what such customers spend on average.
    known = data.assign(frequency=data["frequency"].where(data["monetary_value"] > 0, 0),
                        monetary_value=data["monetary_value"].clip(lower=0))
    return _point(orders.expected_purchases(data, future_t=days / WEEK)) * _point(spend.expected_customer_spend(known))


def summary(customers: pd.DataFrame) -> pd.DataFrame:
    """``customer_id, frequency, recency, T, monetary_value`` as these models count: repeat orders, weeks."""
    data = pd.DataFrame({
        "customer_id": np.arange(len(customers)), "frequency": customers["repeat_frequency"].to_numpy(float),
        "recency": customers["t_x"].to_numpy(float) / WEEK, "T": customers["tenure_days"].to_numpy(float) / WEEK,
        "monetary_value": customers["monetary_value"].to_numpy(float)})
    # No repeat purchase can lie at time 0: orders of one day are one purchase.
    data.loc[data["recency"] == 0, "frequency"] = 0.0
    return data


def _point(draws: Any) -> np.ndarray:
    """The fit has one chain with one draw: the mode."""
    return np.asarray(draws.mean(dim=("chain", "draw")), dtype=float)
