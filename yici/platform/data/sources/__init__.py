"""Channels by which data comes to the city: one folder each, behind one protocol; see README.md."""
