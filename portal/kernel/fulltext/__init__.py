"""Full-text search for every domain: its questions and answers (port), its engine (index)."""
