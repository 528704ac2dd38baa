"""Explanations of queries that match nothing, and problems in annotations."""
