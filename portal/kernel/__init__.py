"""The kernel: deep, domain-free modules that every domain stands on."""
