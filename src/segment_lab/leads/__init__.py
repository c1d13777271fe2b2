"""The wing of leads: the funnel, the chance of winning, and what ignoring leads would cost."""
