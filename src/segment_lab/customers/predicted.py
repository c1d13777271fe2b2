"""What a customer will do: expected orders and spend, and the chance that a customer is active.

BG/NBD for the orders (Fader, Hardie & Lee 2005, Marketing Science 24, 275–284) and Gamma-Gamma for
the spend per order (Fader & Hardie 2013), by maximum likelihood from the customer table alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

WEEK = 7.0
#: Different histories that a fit reads at most; beyond that every n-th of them, in order.
MOST = 50_000
#: Smallest and largest parameter, as logarithms: flat likelihoods must not run away.
BOUNDS = (-7.0, 9.0)


@dataclass(frozen=True)
class OrderModel:
    """BG/NBD: customers order at their own rate, and after each repeat order some leave for good.

    Rates vary over customers as a gamma(`r`, `alpha`) per week, the chance to leave as a
    beta(`a`, `b`). With `from_start` a customer may also leave after the first order (MBG/NBD,
    Batislam, Denizel & Filiztekin 2007), so that silence says something of one-time buyers too.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = np.nan
    from_start: bool = False

    @classmethod
    def fit(cls, customers: pd.DataFrame, from_start: bool = False) -> OrderModel:
        """Learn from a customer table (``repeat_frequency``, ``t_x``, ``tenure_days``).

        Examples
        --------
        >>> table = pd.DataFrame({"repeat_frequency": [0, 2, 1], "t_x": [0, 60, 20]})
        >>> table["tenure_days"] = 90
        >>> 0 < OrderModel.fit(table).expected(table, days=30).sum() < 3
        True
        """
        histories, counts = _distinct(_histories(customers))
        if len(histories) > MOST:
            kept = np.linspace(0, len(histories) - 1, MOST).astype(int)
            histories, counts = histories[kept], counts[kept]
        repeats, last, known = histories.T
        # Few numbers of orders are shared by many.
        numbers, place = np.unique(repeats, return_inverse=True)
        total = float(counts.sum())

        def loss(logs: np.ndarray) -> float:
            parameters = np.exp(logs)
            each = _order_likelihood(
                parameters, numbers, place, last, known, from_start
            )
            return -float(counts @ each) / total

        weeks = max(known.mean(), 1e-3)
        start = np.log([1, weeks, 1, 1])
        best = scipy.optimize.minimize(
            loss, start, method="L-BFGS-B", bounds=[BOUNDS] * 4
        )
        r, alpha, a, b = map(float, np.exp(best.x))
        likelihood = -float(best.fun) * total
        return cls(r, alpha, a, b, likelihood, from_start=from_start)

    def active(self, customers: pd.DataFrame) -> np.ndarray:
        """The chance that each customer has not left; shape ``(n,)``."""
        repeats, last, known = _histories(customers).T
        return 1 / (1 + self._odds_of_leaving(repeats, last, known))

    def expected(self, customers: pd.DataFrame, days: float) -> np.ndarray:
        """Expected orders of each customer in the next `days`; shape ``(n,)``."""
        repeats, last, known = _histories(customers).T
        ahead = days / WEEK
        # At a = 1 the formula is 0/0; its neighbour is as good.
        a = self.a if abs(self.a - 1) > 1e-4 else 1.0001
        passed = ahead / (self.alpha + known + ahead)
        # Euler's transformation of the published form: it does not overflow for eager buyers.
        top = a + self.b + repeats + self.from_start - 1
        first = a + self.b + self.from_start - 1 - self.r
        with np.errstate(invalid="ignore"):
            series = scipy.special.hyp2f1(first, a - 1, top, passed)
            rest = series * (1 - passed) ** (a - 1)
        in_all = top / (a - 1)
        if_active = in_all * (1 - rest)
        # At the bounds of the parameters both factors may run away: nobody orders more often than
        # at the own rate, and before leaving.
        rate = (self.r + repeats) / (self.alpha + known)
        most = np.minimum(rate * ahead, np.abs(in_all))
        if_active = np.where(np.isfinite(rest), if_active, most)
        still = 1 + self._odds_of_leaving(repeats, last, known)
        return np.clip(if_active, 0, None) / still

    def _odds_of_leaving(
        self,
        repeats: np.ndarray,
        last: np.ndarray,
        known: np.ndarray,
    ) -> np.ndarray:
        chances = repeats + self.from_start
        stayed = np.maximum(chances, 1) - 1
        slower = (self.alpha + known) / (self.alpha + last)
        with np.errstate(over="ignore"):
            silence = slower ** (self.r + repeats)
            odds = self.a / (self.b + stayed) * silence
        return np.where(chances > 0, odds, 0.0)


@dataclass(frozen=True)
class SpendModel:
    """Gamma-Gamma: an order's amount varies around the customer's own mean, and the means vary over
    customers; a mean of few orders is drawn to that of all."""

    p: float
    q: float
    gamma: float

    @classmethod
    def fit(cls, orders: np.ndarray, mean: np.ndarray) -> SpendModel:
        """Learn from numbers of orders and their mean amount; those without either are left out."""
        n = np.asarray(orders, dtype=float)
        amount = np.asarray(mean, dtype=float)
        paid = (n > 0) & (amount > 0)
        if not paid.any():
            return cls(1.0, 2.0, 0.0)
        n, amount = n[paid], amount[paid]
        unit = float(amount.mean())
        z = amount / unit
        gammaln = scipy.special.gammaln

        def loss(logs: np.ndarray) -> float:
            p, q, gamma = np.exp(logs)
            pn = p * n
            shape = gammaln(pn + q) - gammaln(pn) - gammaln(q) + q * np.log(gamma)
            size = (pn - 1) * np.log(z) + pn * np.log(n)
            likelihood = shape + size - (pn + q) * np.log(gamma + n * z)
            return -float(likelihood.mean())

        start = np.log([2, 3, 2])
        best = scipy.optimize.minimize(
            loss, start, method="L-BFGS-B", bounds=[BOUNDS] * 3
        )
        p, q, gamma = map(float, np.exp(best.x))
        return cls(p, q, gamma * unit)

    def expected(self, orders: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Expected amount of an order of each customer; shape ``(n,)``."""
        amount = np.clip(mean, 0, None)
        paid = np.where(amount > 0, orders, 0.0)
        total = paid * amount
        weight = self.p * paid + self.q - 1
        drawn_to_all = self.p * (self.gamma + total) / np.maximum(weight, 1e-9)
        # Below q = 1 the group has no mean: then the customer's own counts, and 0 without one.
        own = np.where(paid > 0, amount, 0.0)
        return np.where(weight > 1e-9, drawn_to_all, own)


def predict(
    customers: pd.DataFrame,
    days: float,
    model: OrderModel | None = None,
) -> pd.DataFrame:
    """What every customer of a table is expected to do in the next `days`.

    Parameters
    ----------
    customers : DataFrame
        A customer table; prospects get null.
    days : float
        The horizon.
    model : OrderModel, optional
        A fitted one; by default it is learned from `customers`, who may
        leave after their first order too.

    Returns
    -------
    DataFrame
        ``expected_orders``, ``expected_revenue`` and ``p_active`` by ``customer_id``.
    """
    buyers = customers[customers["frequency"] > 0]
    fitted = model or OrderModel.fit(buyers, from_start=True)
    orders = fitted.expected(buyers, days)
    n = buyers["frequency"].to_numpy(float)
    mean = buyers["monetary_value"].fillna(0).to_numpy(float)
    amount = SpendModel.fit(n, mean).expected(n, mean)
    found = pd.DataFrame(
        {
            "expected_orders": orders,
            "expected_revenue": orders * amount,
            "p_active": fitted.active(buyers),
        },
        index=buyers.index,
    )
    return found.reindex(customers.index)


def _histories(customers: pd.DataFrame) -> np.ndarray:
    """Repeat orders, and the weeks from the first order to the last and to today; shape
    ``(n, 3)``."""
    last = customers["t_x"].to_numpy(float) / WEEK
    known = customers["tenure_days"].to_numpy(float) / WEEK
    # No repeat purchase can lie at time 0: orders of one day are one purchase.
    repeats = np.where(last > 0, customers["repeat_frequency"].to_numpy(float), 0.0)
    return np.column_stack([repeats, last, known])


def _distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different rows in ascending order, and how often each comes; `numpy.unique` takes four times
    as long."""
    if not len(rows):
        return rows, np.zeros(0, dtype=int)
    ordered = rows[np.lexsort(rows.T[::-1])]
    begins = (ordered[1:] != ordered[:-1]).any(axis=1)
    starts = np.flatnonzero(np.r_[True, begins])
    return ordered[starts], np.diff(starts, append=len(rows))


def _order_likelihood(
    parameters: np.ndarray,
    numbers: np.ndarray,
    place: np.ndarray,
    last: np.ndarray,
    known: np.ndarray,
    from_start: bool,
) -> np.ndarray:
    """Log likelihood of each history (Fader, Hardie & Lee 2005, equation 6), whose repeat orders
    are ``numbers[place]``."""
    r, alpha, a, b = parameters
    gammaln = scipy.special.gammaln
    chances = numbers + from_start  # how often the customer might have left
    rate = gammaln(r + numbers) - gammaln(r) + r * np.log(alpha)
    stay = gammaln(a + b) + gammaln(b + chances) - gammaln(b) - gammaln(a + b + chances)
    leaving = np.log(a) - np.log(b + np.maximum(chances, 1) - 1)
    leaving = np.where(chances > 0, leaving, -np.inf)
    orders = (r + numbers)[place]
    active = -orders * np.log(alpha + known)
    left = leaving[place] - orders * np.log(alpha + last)
    return (rate + stay)[place] + np.logaddexp(active, left)
