"""The catalogue of stores: a static site, and the table that it is read as."""
