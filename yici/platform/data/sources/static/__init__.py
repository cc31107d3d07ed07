"""Spreadsheets that a person brings: dropped in the unit's folder, or uploaded in the browser."""
