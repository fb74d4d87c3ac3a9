"""Pages of agreements, outcomes and reports."""
