"""Commands of agreements and outcomes: the only writers."""
