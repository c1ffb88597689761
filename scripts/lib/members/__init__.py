"""Members that are not trained here, and the table of all members."""
