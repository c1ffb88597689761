"""The figures of a study, one module each, with a spec (`scripts.lib.report.figure`) for the rules and the report."""
