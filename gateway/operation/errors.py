"""Why a document yields no operation.

OperationError
├── OperationResolutionError   the document does not tell which operation is meant
└── OperationTooLargeError     it says more, or nests deeper, than this gateway will plan
"""


class OperationError(ValueError):
    """The message may be shown to the client: it quotes neither document nor variables."""


class OperationResolutionError(OperationError):
    """https://spec.graphql.org/October2021/#GetOperation()"""


class OperationTooLargeError(OperationError):
    pass
