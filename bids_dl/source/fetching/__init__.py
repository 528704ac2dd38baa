"""Remote files of recordings: whole files, headers and byte ranges."""
