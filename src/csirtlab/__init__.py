"""Graded notebook labs on incident detection and response."""

__version__ = "0.1.0"
