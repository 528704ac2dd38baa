"""Run the command line: `python -m bids_dl` is `bids-dl`."""

from bids_dl.cli import main

if __name__ == "__main__":
    main()
