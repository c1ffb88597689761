"""From tables to findings, figures and one page."""
