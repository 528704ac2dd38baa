"""Running of tasks: fetching, workers, distribution and staging."""
