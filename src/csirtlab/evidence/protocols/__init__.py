"""Protocols as they look on the wire: what programs of a case say, byte for byte."""
