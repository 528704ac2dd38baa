"""Samples of a store: their chunks, shards, checksums and quantization."""
