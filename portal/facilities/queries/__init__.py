"""The reads of facilities and equipment, by what they are for."""
