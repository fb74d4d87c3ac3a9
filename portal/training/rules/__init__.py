"""What holds for training: pure functions, fixed words, workflow tables."""
