"""Networks: architectures, weights, preprocessing and cost."""
