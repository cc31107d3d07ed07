"""Certificates made in bulk from the lake (制证): canonical records, SM3 trees of 4,096, one signature a batch."""
