"""C-CDA documents: XML that is read with care, converted by ccda-to-fhir, given ids that last."""
