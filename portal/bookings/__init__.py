"""Bookings: availability, booking rules, bookings, qualifications, usage and charges."""
