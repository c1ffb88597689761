"""Super-networks (BootstrapNAS): training, search, and extraction of sub-networks."""
