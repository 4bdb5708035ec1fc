"""Video visits: who may enter by which door, and what the vendor pushes to us."""
