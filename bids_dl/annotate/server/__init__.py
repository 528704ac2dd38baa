"""The server of the page for experts. The server of aiohttp is imported here only."""

from bids_dl.annotate.server.opening import serve_page

__all__ = ["serve_page"]
