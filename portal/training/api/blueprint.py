"""The blueprint of training in the JSON API."""

from portal.kernel.api import api_blueprint

blueprint = api_blueprint("training", __name__)
