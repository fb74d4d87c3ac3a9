"""Agreements between organizations, what they came to, and what a region can show for it."""
