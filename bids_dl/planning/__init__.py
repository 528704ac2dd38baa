"""Plan a store from text files and headers only: the selected windows and the content."""
