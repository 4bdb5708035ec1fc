"""Governance's own database. What of it lies on disk in clear: times and states, nobody's name."""
