"""A department's REST interface: pulled page by page, or pushed to us with a signature."""
