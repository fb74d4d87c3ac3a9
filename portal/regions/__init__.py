"""Regions, counties, ZIP codes, industries, clusters and the capability thesaurus."""
