"""What the pages and the API of the data desk read: scope always stands inside the query."""
