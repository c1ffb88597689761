"""What members that are trained together are penalised for: one file per term of the loss; `spec` finds them."""
