"""Who reaches the pages of the whole portal, and the routes of the kernel."""

from tests.architecture.matrix import EVERYBODY, SIGNED_IN, Row

ROUTES = [
    Row("home.index", "GET", EVERYBODY),
    Row("home.welcome", "GET", EVERYBODY),
    Row("home.desk", "GET", SIGNED_IN),
    Row("home.offer", "GET", SIGNED_IN),
    Row("home.region", "GET", EVERYBODY, lambda world: {"key": "greater-louisville"}),
    Row("home.help_page", "GET", EVERYBODY),
    Row("home.administration", "GET", "dov root"),
    Row("kernel.healthz", "GET", EVERYBODY),
    Row("kernel.readyz", "GET", EVERYBODY),
    Row("kernel.mailbox", "GET", EVERYBODY),
    Row("kernel.switch_language", "GET", EVERYBODY, lambda world: {"language": "es"}),
    Row("openapi.document", "GET", EVERYBODY),
    Row("openapi.guide", "GET", EVERYBODY),
    Row("static", "GET", EVERYBODY, lambda world: {"filename": "css/portal.css"}),
]
