"""Brokerage in the JSON API, by what it is about."""
