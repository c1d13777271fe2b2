"""BG/NBD and Gamma-Gamma through pymc-marketing (optional extra ``clv``)."""

from __future__ import annotations

import numpy as np
import pandas as pd

WEEK = 7.0


def expected_revenue(customers: pd.DataFrame, days: int) -> np.ndarray:
    """Expected revenue per customer in the next `days`, from the customer table alone; shape (n,).

    Time is counted in weeks. Spend per order comes from the Gamma-Gamma model of customers who came back and spent
    something; the others get its mean for a first-time buyer. `monetary_value` holds the first order too.
    """
    try:
        from pymc_marketing.clv import BetaGeoModel, GammaGammaModel
    except ModuleNotFoundError:
        raise ModuleNotFoundError("pymc-marketing is not installed; pip install 'segment-lab[clv]'") from None

    data = pd.DataFrame({
        "customer_id": np.arange(len(customers)), "frequency": customers["repeat_frequency"].to_numpy(float),
        "recency": customers["t_x"].to_numpy(float) / WEEK, "T": customers["tenure_days"].to_numpy(float) / WEEK,
        "monetary_value": customers["monetary_value"].to_numpy(float)})
    # The models allow no repeat purchase at time 0: orders of one day are one purchase.
    data.loc[data["recency"] == 0, "frequency"] = 0
    orders = BetaGeoModel(data=data)
    orders.fit(method="map")
    expected = _mean(orders.expected_purchases(data, future_t=days / WEEK))
    payers = data[(data["frequency"] > 0) & (data["monetary_value"] > 0)]
    spend = GammaGammaModel(data=payers)
    spend.fit(method="map")
    known = data.assign(frequency=data["frequency"].where(data["monetary_value"] > 0, 0),
                        monetary_value=data["monetary_value"].clip(lower=0))
    return expected * _mean(spend.expected_customer_spend(known))


def _mean(draws: object) -> np.ndarray:
    """The point estimate: the mean over whatever chains and draws the fit left."""
    array = getattr(draws, "mean")(dim=("chain", "draw"))  # noqa: B009 - xarray is not a dependency to import
    return np.asarray(array, dtype=float)
