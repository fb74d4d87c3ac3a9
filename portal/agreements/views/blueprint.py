"""The blueprint that all pages of agreements and outcomes share."""

from flask import Blueprint

blueprint = Blueprint("agreements", __name__)
