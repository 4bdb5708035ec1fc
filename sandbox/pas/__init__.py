"""Prior authorization at the sandbox's payer, as Da Vinci PAS has it."""
