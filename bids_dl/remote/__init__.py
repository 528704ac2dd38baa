"""Bytes at a path or URL: locations, locks, retries, byte ranges, uploads, a disk cache."""
