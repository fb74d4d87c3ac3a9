"""Full-text search for every domain: what can be asked (port) and the engine that answers (index)."""
