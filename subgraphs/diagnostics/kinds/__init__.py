"""The kinds of diagnostics: what makes two records one fact, and which of them stands."""

from subgraphs.diagnostics.kinds.observations import OBSERVATIONS, measured_of
from subgraphs.diagnostics.kinds.reports import MEDIA, ORDERS, REPORTS, SPECIMENS, STUDIES

__all__ = ["MEDIA", "OBSERVATIONS", "ORDERS", "REPORTS", "SPECIMENS", "STUDIES", "measured_of"]
