"""FHIR resources of payers, as far as their side of the graph reads them."""
