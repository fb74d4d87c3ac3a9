"""Conversations between organizations: threads on records of theirs, messages, reports."""
