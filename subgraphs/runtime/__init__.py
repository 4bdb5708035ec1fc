"""What every subgraph stands on.

Sealed ids and links, shared datatypes, entities loaded in batches, rows gathered from several
sources and merged to facts, the access decision, and the ASGI application.
"""
