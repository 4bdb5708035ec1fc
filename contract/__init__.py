"""What the gateway and the subgraphs agree on: signed context, access report, error codes.

Pure Python without I/O; the only code both sides import. The rest of their agreement is `schema/`.
"""
