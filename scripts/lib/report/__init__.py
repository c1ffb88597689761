"""Turns the tables into findings, figures and one page."""
