"""Tables and arrays in users' files: predictions, labels, ids and class names, read strictly."""
