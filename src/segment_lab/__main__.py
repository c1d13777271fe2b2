"""`python -m segment_lab`: the command line."""

from segment_lab.cli import main

if __name__ == "__main__":  # the report server imports every module before it forks
    main()
