"""A small CRM made from a seed, with planted behaviour: for trying the program, and for tests that
know the truth.

The same seed gives the same bytes on any machine (NumPy's PCG64, within one NumPy release).
"""

from segment_lab.sample.tables import campaign_trial, generate, write

__all__ = ["campaign_trial", "generate", "write"]
