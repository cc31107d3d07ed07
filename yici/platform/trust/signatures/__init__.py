"""Cloud signatures: keys that never leave the service, time stamps, envelopes that several people sign."""
