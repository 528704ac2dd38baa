"""Ask experts: the next window, the training between two rounds, and its test figures."""
