"""The shape in which training leaves: JSON, linked data, calendars."""
