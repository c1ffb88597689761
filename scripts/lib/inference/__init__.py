"""What is recorded of a member on a validation set: logits, attributions and activations."""
