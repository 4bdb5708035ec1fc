"""The clearinghouse's other door: the same X12, in SOAP envelopes of CAQH CORE."""
