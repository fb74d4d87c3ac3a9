"""The shape of what people and programs give to bookings, by what it is about."""
