"""Certificates as OFD (GB/T 33190): drawn, packed, sealed with SM2 over SM3 references, and judged. Written by us."""
