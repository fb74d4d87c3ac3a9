"""The tables of bookings, by what they are about."""
