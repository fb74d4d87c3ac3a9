"""Commands that fill the portal with demo regions, or with many synthetic records."""
