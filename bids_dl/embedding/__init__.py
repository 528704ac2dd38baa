"""Features of windows by one layer of a trained model, beside two floors, and their files."""

from bids_dl.embedding.contents import Embeddings
from bids_dl.embedding.embed import embed_store
from bids_dl.embedding.files import read_embeddings, write_embeddings

__all__ = ["Embeddings", "embed_store", "read_embeddings", "write_embeddings"]
