"""Ensembles: which there are, what they get right, the best ones, and which to deploy."""
