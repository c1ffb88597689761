"""One file per kind of dataset; scripts/lib/datasets/spec.py describes its content."""
