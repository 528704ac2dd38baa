"""Checks of a store: its root, its objects, and what they say of each other."""
