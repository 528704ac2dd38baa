"""Recordings of a dataset and the persons they are of, found by names and tables."""
