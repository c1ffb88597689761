"""The figures of a study, one module a figure. Each reads the tables of `docs/contracts.md` and writes PNG and PDF."""
