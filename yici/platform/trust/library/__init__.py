"""The library as one: certificates issued in cases and those made in bulk, read, shown, shared and checked alike."""
