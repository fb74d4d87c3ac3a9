"""The pages of brokerage, by what they show."""
