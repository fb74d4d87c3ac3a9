"""The blueprint that all pages of facilities and equipment share."""

from flask import Blueprint

blueprint = Blueprint("facilities", __name__)
