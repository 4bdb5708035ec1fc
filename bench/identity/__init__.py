"""How well patients are matched, and how much it takes: docs/identity.md tells what came out."""
