"""The blueprint that the pages of bookings share."""

from flask import Blueprint

blueprint = Blueprint("bookings", __name__)
