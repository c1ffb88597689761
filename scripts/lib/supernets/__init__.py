"""Super-networks (BootstrapNAS): trained, searched and cut into sub-networks."""
