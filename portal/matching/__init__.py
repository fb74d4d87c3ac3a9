"""Candidates for every request, with reasons; what people say of them and answer about them."""
