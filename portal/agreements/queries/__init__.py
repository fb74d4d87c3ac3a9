"""Reads of agreements, outcomes, and the chain from a search to what came of it."""
