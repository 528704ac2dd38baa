"""The page of an explanation, and its files."""

from bids_dl.explanation.page.rendering import render_explanation
from bids_dl.explanation.page.writing import (
    WrittenExplanation,
    claimed_folder,
    write_explanation,
)

__all__ = ["WrittenExplanation", "claimed_folder", "render_explanation", "write_explanation"]
