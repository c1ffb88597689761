"""Images and labels: where they come from, and the validation sets that all members share."""
