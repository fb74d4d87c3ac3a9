"""Webhooks: programs of organizations are told what happens, signed, again until they answer."""
