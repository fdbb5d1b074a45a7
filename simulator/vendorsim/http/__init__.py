"""HTTP client and server: the bytes on the wire."""
