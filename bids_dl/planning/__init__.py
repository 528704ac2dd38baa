"""What a request selects and what a store will hold, from text files and headers only."""
