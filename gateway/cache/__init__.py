"""Caches: a bounded one in this process, a sealed one shared through Redis."""
