"""What follows on bookings and on what opens their gates, by what it is about."""
