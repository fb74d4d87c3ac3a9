"""The blueprint that the pages of requests share."""

from flask import Blueprint

blueprint = Blueprint("partnerships", __name__)
