"""Identity proofing: assertions, faces against the police's photos, vouching at a window, passkeys of citizens."""
