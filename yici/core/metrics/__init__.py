"""Counting: a metric has a definition, a unit, a qualifier and a comparison."""
