"""The commands of brokerage, by what they change."""
