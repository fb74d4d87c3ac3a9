"""The pages of facilities and equipment."""
