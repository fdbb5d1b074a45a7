"""The version of the program. Here, so that every room can import it."""

__version__ = "0.1.0"
