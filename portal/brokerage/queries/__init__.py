"""The reads of brokerage, by what they are about."""
