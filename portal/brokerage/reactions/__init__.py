"""What follows in brokerage on what happened, by what it is about."""
