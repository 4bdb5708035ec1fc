"""From a validated document to the one tree that is authorized, planned and projected."""

from gateway.operation.errors import (
    OperationError,
    OperationResolutionError,
    OperationTooLargeError,
)
from gateway.operation.normalize import normalize
from gateway.operation.tree import Operation

__all__ = [
    "Operation",
    "OperationError",
    "OperationResolutionError",
    "OperationTooLargeError",
    "normalize",
]
