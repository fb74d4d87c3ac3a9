"""The shape of training as people, programs and spreadsheets give it."""
