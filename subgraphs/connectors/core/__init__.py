"""X12 in SOAP envelopes, as clearinghouses and payers' portals speak it: CAQH CORE connectivity.

https://www.caqh.org/core/operating-rules (Connectivity Rule vC2.2.0)
"""
