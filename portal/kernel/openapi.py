"""The OpenAPI 3.1 document, generated from the forms and schemas of the API's views."""

from flask import Blueprint

blueprint = Blueprint("openapi", __name__)
