"""The wing of receivables: the ledger, how customers pay, what debt is worth, what to do about
it."""
