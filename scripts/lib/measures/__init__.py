"""How different two members are."""
