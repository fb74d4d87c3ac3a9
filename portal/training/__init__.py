"""Programs of training, their sections, who takes part, and what firms ask for."""
