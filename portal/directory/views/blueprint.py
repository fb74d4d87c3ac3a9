"""The blueprint that the pages of the directory share."""

from flask import Blueprint

blueprint = Blueprint("directory", __name__)
