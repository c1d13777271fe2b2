"""From an order log to one row per customer, and the base at a glance."""
