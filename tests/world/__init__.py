"""The world in which the cast lives, part by part."""
