"""Who: persons, organisations, accounts, roles in a scope, delegation."""
