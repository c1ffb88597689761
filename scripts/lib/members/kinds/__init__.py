"""The kinds of members: one module per kind, found without being named anywhere (`members/spec.py`)."""
