"""One file per signal file format."""
