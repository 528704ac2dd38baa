"""Packing of staged recordings into the arrays and documents of a store."""
