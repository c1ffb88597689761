"""One file for each family of measures; what it registers is found by `scripts.lib.measures.spec`."""
