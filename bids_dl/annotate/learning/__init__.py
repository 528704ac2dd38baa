"""Learn from answers: features of windows, and learners that are trained after each batch."""
