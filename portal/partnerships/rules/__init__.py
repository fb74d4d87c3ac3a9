"""Words and rules of requests: pure values and functions, nothing that needs rows."""
