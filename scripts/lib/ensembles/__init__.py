"""Ensembles: which are evaluated, how accurate they are, the best ones, and which to deploy."""
