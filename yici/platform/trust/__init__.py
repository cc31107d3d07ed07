"""Trust: certificates issued, sealed and checked."""
