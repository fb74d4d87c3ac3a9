"""Who reaches the directory: everybody, and each finds what they may see."""

from tests.architecture.matrix import EVERYBODY, Row

ROUTES = [
    Row("directory.search", "GET", EVERYBODY),
    Row("directory.suggestions", "GET", EVERYBODY),
    Row("directory_api.search", "GET", EVERYBODY),
]
