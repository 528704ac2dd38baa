"""Convert a plan to a store: stage every recording in worker processes, then pack.

Workers import `bids_dl.pipeline.processing.process` only. What they do not need is imported on
first use, because HED alone takes two seconds.
"""
