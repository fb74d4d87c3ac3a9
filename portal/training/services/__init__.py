"""Commands of training: the only writers of its rows."""
