"""Pure rules of matching: the words, the criteria, the weights and the sentences."""
