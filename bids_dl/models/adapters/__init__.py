"""Models of other packages under names of their own, imported only when one is asked for."""
