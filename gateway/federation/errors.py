"""What a caller can get wrong when handing over a schema.

SupergraphError: the text is no supergraph, or one that contradicts itself; compose it again.
"""


class SupergraphError(ValueError):
    """The message says what is wrong and, where it can, what to do; schemas hold no PHI."""
