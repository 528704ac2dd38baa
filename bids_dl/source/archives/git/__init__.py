"""Datasets in git repositories with git-annex: mirrors of archives, and clones."""
