"""The pages of bookings, by what they show."""
