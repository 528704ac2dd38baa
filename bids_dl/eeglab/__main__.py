"""The bridge: run `bids-dl` for the plug-in, from a request file to an answer file.

EEGLAB starts ``python -E -P -m bids_dl.eeglab`` with the path of a request in the environment. The
command line has no other argument, because every shell quotes in its own way. Only the standard
library is imported here, so that foreign libraries on the path of MATLAB do no harm.
"""

from __future__ import annotations

import io
import sys

from bids_dl.eeglab.bridge import answer_request


def main() -> int:
    """Answer the request that the environment names."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)
    return answer_request()


if __name__ == "__main__":
    sys.exit(main())
