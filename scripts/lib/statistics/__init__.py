"""How diversity and improvement go together."""
