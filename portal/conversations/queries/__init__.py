"""Reads of conversations: threads as one reader may know them, who is told, what is reported."""
