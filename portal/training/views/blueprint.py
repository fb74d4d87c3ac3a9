"""The blueprint that all pages of training share."""

from flask import Blueprint

blueprint = Blueprint("training", __name__)
