"""Reads of places and classifications: ZIP codes, counties, regions, industries, capabilities.

Everything here is public; brokers' names and addresses are for administrators' pages only.
"""
