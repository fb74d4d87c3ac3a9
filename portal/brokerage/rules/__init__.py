"""What holds in brokerage: states, words, time limits. Pure."""
