"""Answers in parts as clients read them: one module for each draft of the specification."""
