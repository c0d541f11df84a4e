"""Scenarios proven over many seeds, by witnesses that see nothing but the evidence."""
