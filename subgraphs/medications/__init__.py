"""What is prescribed and what was dispensed of it."""
