"""The report on a store: one HTML page with its contents, dropped data and processing."""

from bids_dl.reporting.page import render_page, write_page

__all__ = ["render_page", "write_page"]
