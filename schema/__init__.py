"""The border between gateway and subgraphs, as files: what each publishes, and what is composed.

`subgraphs/*.graphql` are exported by the subgraphs, `supergraph.graphql` is composed of them, and
`operations/*.graphql` are the product's own operations by name, `documents.json` their manifest.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

FOLDER = Path(str(files(__name__)))
SUPERGRAPH = FOLDER / "supergraph.graphql"
OPERATIONS = FOLDER / "operations"
DOCUMENTS = FOLDER / "documents.json"
SUBGRAPHS = FOLDER / "subgraphs"

POLICIES = FOLDER / "access"
"""Who may see what, in Cedar, with the table of what it must decide."""
ROLES = POLICIES / "roles.yaml"
"""What an issuer's words for roles mean, where they are ours."""
