"""The Cloud Signature Consortium API v1.0.4.0 under `/csc/v1/`."""
