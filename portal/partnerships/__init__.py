"""Partnerships: requests and responses."""
