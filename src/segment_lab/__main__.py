"""`python -m segment_lab`: the command line."""

from segment_lab.cli import main

main()
