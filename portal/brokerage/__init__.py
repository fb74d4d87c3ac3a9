"""Brokerage: introductions between organizations, and the broker's desk."""
