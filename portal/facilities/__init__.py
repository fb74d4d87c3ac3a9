"""Facilities and their equipment."""
