"""Active learning: choose what an expert is asked, and learn from the answers."""
