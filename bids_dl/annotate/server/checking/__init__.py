"""Checks of requests: who sends them, their parameters and their bodies, before any effect."""
