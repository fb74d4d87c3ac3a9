"""Intake: imports and exports of real data."""
