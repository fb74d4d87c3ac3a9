"""Reads of organizations, their people, and what forms look up."""
