"""Bytes at a path or URL: locations, retries, byte ranges, multipart uploads, a disk cache."""
