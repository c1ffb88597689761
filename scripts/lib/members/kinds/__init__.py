"""The kinds of members: one module each, found without being named anywhere (`members/spec.py`)."""
