"""Commands of organizations, the only writers of their rows."""
