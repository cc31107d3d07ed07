"""Providers and billers for one machine: they speak the real protocols over HTTP, take pretended money, and misbehave on demand."""
