"""The tables of brokerage, by what they are about."""
