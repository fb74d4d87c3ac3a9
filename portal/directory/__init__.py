"""The directory: one search over everything."""
