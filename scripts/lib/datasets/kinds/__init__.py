"""One file a kind of dataset; scripts/lib/datasets/spec.py says what stands in it."""
