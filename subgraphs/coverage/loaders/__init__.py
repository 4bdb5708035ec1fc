"""What one request asks of the payers: every question once, for all of its patients together."""
