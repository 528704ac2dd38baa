"""Preprocessing steps, one per file, listed in the registry."""
