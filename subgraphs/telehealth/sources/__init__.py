"""The vendor, asked and listening to."""
