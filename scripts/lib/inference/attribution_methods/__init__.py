"""Where a network looks: one file for each attribution method; `spec` finds them."""
