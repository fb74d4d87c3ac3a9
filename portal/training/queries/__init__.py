"""Reads of programs, sections and of who takes part."""
