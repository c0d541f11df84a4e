"""Attacks on hub, gate, exchange and pages: a module a family, found by looking. None may succeed."""
