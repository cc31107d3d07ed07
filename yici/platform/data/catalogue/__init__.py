"""The catalogue of data classes: what the city folder says of each, and how it gets into the database."""
