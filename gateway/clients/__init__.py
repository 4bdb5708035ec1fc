"""The clients that are registered, what bounds each, and when it was last seen."""
