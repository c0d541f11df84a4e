"""Scenarios and labs proven over many seeds."""
