"""Why the general way is taken: for a plan as a whole, or for one answer to it.

Neither says anything about the request; nobody but the engine and the tests sees them.
"""

from __future__ import annotations


class NotCompilableError(Exception):
    """The plan has something that Structs cannot do."""


class UnusualAnswerError(Exception):
    """An answer is not what the Structs were made for: it has errors, or is of other types."""
