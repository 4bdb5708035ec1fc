"""Exports in bulk, read into the store."""
