"""Linear models of embeddings on held-out persons, beside the same models of two floors."""

from bids_dl.probing.probe import ProbeResult, probe_embeddings

__all__ = ["ProbeResult", "probe_embeddings"]
