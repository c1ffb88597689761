"""One file per family of measures; `scripts.lib.measures.spec` finds the measures in it."""
