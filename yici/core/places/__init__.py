"""Where: divisions down to the village with their history, and zones beside them."""
