"""What holds for imports and exports: formats, columns, countries, repeats, the run's workflow.

Pure functions from a row's texts to what the forms take; nothing here reads the database.
"""
