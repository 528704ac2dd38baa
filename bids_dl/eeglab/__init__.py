"""The plug-in of EEGLAB: its files, their installation, and the bridge to the command line.

``python -m bids_dl.eeglab`` is the bridge. It needs the standard library only, so nothing is
imported here.
"""
