"""Which of many measured effects may be called certain: chance alone finds some among many."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

#: Where nothing works, something is called certain at most this often; where something does, at
#: most this share of what is called certain is chance.
FALSE_CLAIMS = 0.05


def certain(
    effect: pd.Series, error: pd.Series, freedom: pd.Series | float = np.inf
) -> pd.Series:
    """Whether each effect is certainly not 0, all of them judged together.

    Ranges of 95 % each leave out 0 by chance once in twenty: of ten segments of a campaign that
    does nothing, one or more "move" in 40 % of the cases. Benjamini & Hochberg (1995) raise the
    bar with the number of effects, and lower it again the more of them are real.

    Parameters
    ----------
    effect, error : Series
        Effects and their standard errors; unknown ones are not certain.
    freedom : Series, optional
        Degrees of freedom of the errors: of small arms they are themselves uncertain, and the
        farther out the bar lies the more that counts.

    Examples
    --------
    >>> effect = pd.Series([0.10, 0.05, 0.00, 0.01, -0.01])
    >>> certain(effect, pd.Series(0.022, index=effect.index)).tolist()
    [True, False, False, False, False]
    """
    chance = pd.Series(
        2 * scipy.stats.t.sf((effect / error).abs(), freedom), index=effect.index
    )
    known = chance.dropna()
    found = pd.Series(False, index=effect.index)
    if len(known):
        adjusted = scipy.stats.false_discovery_control(np.asarray(known))
        found[known.index] = adjusted < FALSE_CLAIMS
    return found
