"""Tables and arrays that users bring: predictions, labels, ids and class names, read strictly."""
