"""Reads of matching: the matches themselves, and the facts that they are computed from."""
