"""FHIR Bulk Data Access: a whole population at once. https://hl7.org/fhir/uv/bulkdata/STU2/"""
