"""Why an operation has no plan.

PlanError: the supergraph offers no way to a field that the api schema promises, or finding one
takes more work than a request may cost. Composition proves that the first cannot happen for what
it composed; a supergraph from elsewhere may be broken.
"""


class PlanError(Exception):
    """Names schema coordinates only: safe to show and to log."""
