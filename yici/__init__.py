"""Yici (一次): one open platform for a city. Go online once and everything gets done."""

__version__ = "0.1.0"
