"""The query language: its grammar, aliases, and the numbered queries of a request."""
