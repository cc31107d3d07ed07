"""What: data elements and code lists, each defined once."""
