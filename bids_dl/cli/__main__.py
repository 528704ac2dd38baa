"""`python -m bids_dl.cli` is `bids-dl`."""

from bids_dl.cli import main

if __name__ == "__main__":
    main()
