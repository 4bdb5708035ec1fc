"""What is pushed to us, kept encrypted and read like one more FHIR server."""
