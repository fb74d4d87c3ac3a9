"""The shape in which brokerage leaves as JSON, by what it is about."""
