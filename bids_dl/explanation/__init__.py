"""Explain what the models of a run have learnt, with controls."""
