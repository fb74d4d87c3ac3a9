"""Demo regions: fictional records to look at, and many more for load tests."""
