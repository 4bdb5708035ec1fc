"""How entries and care teams are loaded, all that a request looks for together."""
