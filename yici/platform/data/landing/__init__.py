"""Landing: from bytes that arrived to rows of text under the class's own columns, with everything strange explained."""
