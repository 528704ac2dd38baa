"""Rows of events.tsv with the HED of their sidecars."""
