"""Measures what the portal promises: `python -m benchmarks.search`, `.relevance` and `.web`."""
