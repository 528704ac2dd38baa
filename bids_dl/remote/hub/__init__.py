"""Stores in repositories of the Hugging Face hub, at ``hf://`` URLs. They can only be read."""

from bids_dl.remote.hub.account import endpoint, token

__all__ = ["endpoint", "token"]
