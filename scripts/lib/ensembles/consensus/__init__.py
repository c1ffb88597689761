"""How an ensemble decides: one file for each consensus method; `spec` finds them."""
