"""Home: the front page, the desk, region pages, help, administration."""
