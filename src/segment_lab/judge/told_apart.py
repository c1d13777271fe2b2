"""Which schemes rank customers differently, allowing for how many are compared: closed testing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from segment_lab.customers.rates import Z975
from segment_lab.judge.resampling import deviation

#: Simulated normal vectors behind a joint factor.
SIMULATED = 10_000
#: Schemes up to which all their partitions are tested (877 of 7).
MOST_CLOSED = 7


def joint_factor(samples: np.ndarray, pairs: Sequence[tuple[int, int]]) -> float:
    """By how many standard deviations all `pairs` hold at once in 95 of 100 cases (max-t).

    The covariance of the estimates comes from the draws, `samples` of shape (draws, predictions);
    the greatest of the pairs' |t| is simulated from it (Hothorn, Bretz & Westfall 2008), which
    needs far fewer draws than reading the greatest |t| off the draws themselves.
    """
    simulated = _simulated(samples, pairs)
    if simulated is None:
        return Z975
    return _critical(simulated)


def told_apart(
    values: np.ndarray,
    samples: np.ndarray,
    pairs: Sequence[tuple[int, int]],
) -> np.ndarray:
    """Which of all pairs of K estimates differ, at most one in 20 times any wrongly.

    Closed testing (Marcus, Peritz & Gabriel 1976): two estimates differ when every way in which
    they could be equal, alone or together with others, is refuted by its own max-t test. Once some
    are told apart fewer ways remain, so it finds more than one factor for all pairs, which it
    contains. The ways are the partitions of K estimates; above `MOST_CLOSED` the factor decides.

    Parameters
    ----------
    values : array (predictions,)
        The estimates.
    samples : array (draws, predictions)
        The same in every draw.
    pairs : sequence of (int, int)
        All pairs of the estimates that are compared.

    Returns
    -------
    array of bool, a value per pair
    """
    simulated = _simulated(samples, pairs)
    if simulated is None:
        return np.zeros(len(pairs), dtype=bool)
    a, b = np.array(pairs).T
    spread = deviation(samples[:, a] - samples[:, b])
    off = np.abs(values[a] - values[b])
    ratio = np.divide(
        off,
        spread,
        out=np.zeros(len(pairs)),
        where=spread > 1e-9,
    )
    highest = _critical(simulated)
    names = sorted({position for pair in pairs for position in pair})
    complete = len(pairs) == len(names) * (len(names) - 1) // 2
    if len(names) > MOST_CLOSED or not complete:
        return ratio > highest
    apart = ratio > Z975
    place = {pair: i for i, pair in enumerate(pairs)}
    for blocks_of_equals in partitions(names):
        inside = [
            place[pair] for block in blocks_of_equals for pair in combinations(block, 2)
        ]
        # Refuted for certain, or nothing left to decide: no need to look up its own factor.
        if not apart[inside].any() or ratio[inside].max() > highest:
            continue
        if ratio[inside].max() <= _critical(simulated[:, inside]):
            apart[inside] = False
    return apart


def partitions(names: Sequence[int]) -> Iterator[list[list[int]]]:
    """Every way to put names into groups, each group in the order of `names`.

    Examples
    --------
    >>> len(list(partitions([0, 1, 2]))), len(list(partitions(range(5))))
    (5, 52)
    """
    if not names:
        yield []
        return
    *others, last = names
    for groups in partitions(others):
        yield [*groups, [last]]
        for i, group in enumerate(groups):
            yield [*groups[:i], [*group, last], *groups[i + 1 :]]


def _simulated(
    samples: np.ndarray, pairs: Sequence[tuple[int, int]]
) -> np.ndarray | None:
    """|t| of every pair where nothing differs, shape (`SIMULATED`, pairs); None without draws."""
    if not pairs:
        return None
    names = sorted({position for pair in pairs for position in pair})
    samples = samples[:, names]
    samples = samples[np.isfinite(samples).all(axis=1)]
    if len(samples) < 2:
        return None
    covariance = np.atleast_2d(np.cov(samples, rowvar=False))
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    drawn = np.random.default_rng(0).standard_normal((SIMULATED, len(names))) @ root.T
    found = np.zeros((SIMULATED, len(pairs)))
    for i, pair in enumerate(pairs):
        a, b = (names.index(position) for position in pair)
        spread = np.sqrt(
            max(covariance[a, a] + covariance[b, b] - 2 * covariance[a, b], 0.0)
        )
        if spread > 1e-9:
            found[:, i] = np.abs(drawn[:, a] - drawn[:, b]) / spread
    return found


def _critical(simulated: np.ndarray) -> float:
    """The 95 % point of the greatest |t|; at least that of one pair."""
    return max(float(np.quantile(simulated.max(axis=1), 0.95)), Z975)
