"""The figures of a study, one module each, with the spec that rules and report read (`scripts.lib.report.figure`)."""
