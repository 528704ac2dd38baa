"""Parsing of what a request selects: queries, comparisons, conditions, sidecars."""
