"""Workshops: rosters, people, secrets, and what an instructor does with them."""
