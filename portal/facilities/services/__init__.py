"""The commands of facilities and equipment: the only writers of their rows and files."""
