"""The blueprint that the pages of brokerage share."""

from flask import Blueprint

blueprint = Blueprint("brokerage", __name__)
