"""The store: one encrypted DuckDB file, filled from exports and asked by measures."""
