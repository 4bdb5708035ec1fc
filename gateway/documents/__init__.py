"""From what a request says it wants to run, to a parsed and validated document."""
