"""A plan -> a store: stage every recording in worker processes, then pack.

Worker processes import `bids_dl.pipeline.process` only: what they do not need (HED takes two seconds) is imported on first use.
"""
