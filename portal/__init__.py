"""Industrial Commons: the portal of a manufacturing region."""
