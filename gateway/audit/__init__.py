"""The audit trail: who asked for what and whose records were read, safe before the answer goes."""
