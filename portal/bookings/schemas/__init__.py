"""The shape of what the API of bookings answers, by what it is about."""
