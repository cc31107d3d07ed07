"""Identity proofing: who was proven to be who, how well, when."""
