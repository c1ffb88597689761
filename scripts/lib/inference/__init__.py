"""What a member says of a validation set: logits, attributions and activations."""
