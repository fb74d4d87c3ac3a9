"""The commands of bookings, by what they write."""
