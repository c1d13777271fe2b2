"""How sure a range is: the quantiles it is computed from, and the share that texts print."""

from __future__ import annotations

#: The ends of the range of what was measured, and of what a plan is expected to bring.
TAILS = 0.025, 0.975
PLAN_TAILS = 0.1, 0.9
MEASURED = TAILS[1] - TAILS[0]
EXPECTED = PLAN_TAILS[1] - PLAN_TAILS[0]
