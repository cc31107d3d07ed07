"""The rule language: about 25 primitives with outcomes of our own, one template each for every engine."""
