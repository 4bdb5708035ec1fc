"""What governance listens to: how the sources do, and what the audit trail says."""
