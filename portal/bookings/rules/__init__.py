"""What holds for bookings: words, spans of time, rules and their problems. Pure."""
