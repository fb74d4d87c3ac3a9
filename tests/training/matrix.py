"""Who reaches the pages and the API of training."""

from tests.architecture.matrix import Row

ROUTES: list[Row] = []
