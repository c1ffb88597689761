"""Reading the tables and arrays that users bring: predictions, labels, ids and class names."""
