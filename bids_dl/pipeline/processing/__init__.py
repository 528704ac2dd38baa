"""Processing of one recording, from its signal to its staged windows."""
