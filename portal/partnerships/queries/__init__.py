"""Reads of requests and responses for pages, the API, the desk and the search index."""
