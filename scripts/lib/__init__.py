"""The library behind the rules: a script hands Snakemake's inputs and outputs to one function of this package."""
