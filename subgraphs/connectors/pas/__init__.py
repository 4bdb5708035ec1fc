"""Da Vinci PAS: prior authorization as operations of a FHIR server, at a payer or in front of it.

https://hl7.org/fhir/us/davinci-pas/
"""
