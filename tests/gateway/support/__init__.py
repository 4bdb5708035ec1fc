"""What tests of the gateway share besides fixtures."""
