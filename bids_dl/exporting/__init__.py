"""Export of a store to a file of another program, chosen by the name of the file."""

from bids_dl.exporting.export import (
    SUFFIXES,
    WindowRequest,
    export_recording_events,
    export_store,
)

__all__ = ["SUFFIXES", "WindowRequest", "export_recording_events", "export_store"]
