"""The pages of requests and responses, by what they show."""
