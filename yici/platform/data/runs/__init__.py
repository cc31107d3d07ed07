"""Runs: from a source, an upload or mended rows to a new version of a class, with progress and an end that is told."""
