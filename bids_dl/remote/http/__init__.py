"""Requests over http."""
