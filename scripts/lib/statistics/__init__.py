"""The statistical relation between diversity and improvement."""
