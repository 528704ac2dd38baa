"""The query language: grammar, aliases, numbering of a request's queries."""
