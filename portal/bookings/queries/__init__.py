"""What is read of bookings, by who asks."""
