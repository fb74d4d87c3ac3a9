"""Reads of the directory: searching it, saved searches, and what was not found."""
