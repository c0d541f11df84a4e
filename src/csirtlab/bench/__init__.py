"""Measures what a workshop costs in seconds and memory, beside the stock programs."""
