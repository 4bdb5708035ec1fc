"""What patients have directed, who broke the glass, who saw what, and how the sources do."""
