"""What operations cost, before and after they run, and what each client may spend."""
