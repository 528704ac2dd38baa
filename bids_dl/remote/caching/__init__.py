"""Caches on disk of what servers hold."""
