"""The shape of input of brokerage, by what it is about."""
