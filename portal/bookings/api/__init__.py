"""The JSON API of bookings, by what it answers about."""
