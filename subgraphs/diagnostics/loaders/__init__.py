"""How a patient's diagnostics are loaded."""

from subgraphs.diagnostics.loaders.observations import (
    EVERYTHING,
    Diagnostics,
    Question,
    load_observations,
    load_reports,
    newest_of_each_code,
)
from subgraphs.diagnostics.loaders.orders import (
    load_media,
    load_orders,
    load_outstanding,
    load_specimens,
    load_studies,
    specimens_by_id,
)

__all__ = [
    "EVERYTHING",
    "Diagnostics",
    "Question",
    "load_media",
    "load_observations",
    "load_orders",
    "load_outstanding",
    "load_reports",
    "load_specimens",
    "load_studies",
    "newest_of_each_code",
    "specimens_by_id",
]
