"""Submissions run in a box, answers judged outside it."""
