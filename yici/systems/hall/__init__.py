"""The online service hall: items, applications, the citizen's pages."""
