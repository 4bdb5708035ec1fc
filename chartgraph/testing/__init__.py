"""What is added to Chartgraph is held to: test classes to inherit.

They need pytest, and pytest-asyncio in its mode `auto`.
"""
