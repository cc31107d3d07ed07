"""Invented papers as pictures, drawn from a seed, and the harm that phones and scanners do to them.

For the demo, the tests and the bench; every person and number in them is invented, and each picture says what is on it.
"""

from yici.platform.trust.papers.specimens.degrading import Harm, degraded
from yici.platform.trust.papers.specimens.drawing import DRAWERS, Specimen, draw
from yici.platform.trust.papers.specimens.people import Invented, invent

__all__ = ["DRAWERS", "Harm", "Invented", "Specimen", "degraded", "draw", "invent"]
