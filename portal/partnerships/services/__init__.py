"""The commands of requests and responses."""
