"""Pages of paying: for the public and providers, payers, and staff."""
