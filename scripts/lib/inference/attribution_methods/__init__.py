"""Attribution methods: one file per method; the registry in `spec` finds them."""
