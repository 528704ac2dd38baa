"""One file per preprocessing step; the registry lists them."""
