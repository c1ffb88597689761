"""The kinds of members, external members, and the table of all members."""
