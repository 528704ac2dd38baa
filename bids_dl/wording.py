"""Lists, suggestions and sizes in messages."""

from __future__ import annotations


def gigabytes(n_bytes: float) -> str:
    """Bytes for people: "1.5 GB"."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"
