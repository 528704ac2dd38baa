"""Options, their parsing, and one frozen dataclass of settings per stage."""
