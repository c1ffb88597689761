"""How figures are drawn: tables and arrays in, a matplotlib figure out; `scripts.lib.report.figures` has the specs."""
