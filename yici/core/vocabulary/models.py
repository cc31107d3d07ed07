"""No tables: elements and code lists live in the city folder and are read into memory."""
