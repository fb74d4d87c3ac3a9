"""Skills with their occupations, and the credentials that prove them."""
