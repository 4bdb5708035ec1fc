"""Labels of sensitivity for what its source left unlabelled, by rules that are data."""
