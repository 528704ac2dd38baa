"""Requests to buckets."""
