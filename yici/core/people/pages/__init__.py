"""HTML pages of people: sign-in, the citizen's own, staff administration, the access log. All thin."""
