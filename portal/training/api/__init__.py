"""Training in the JSON API."""
