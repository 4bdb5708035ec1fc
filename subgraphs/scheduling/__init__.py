"""Appointments, and the way to their video visits."""
