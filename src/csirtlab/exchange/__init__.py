"""Durable hand-over of assignments, submissions and feedback."""
