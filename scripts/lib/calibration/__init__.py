"""Calibration: how far the probabilities of members and chosen ensembles can be trusted, before and after scaling."""
