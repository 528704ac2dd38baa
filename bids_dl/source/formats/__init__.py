"""Signal file formats: checks and facts from their headers, one file per format."""
