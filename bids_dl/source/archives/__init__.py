"""Datasets that are not local folders: archives, clones with absent content, and buckets."""
