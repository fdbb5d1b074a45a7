"""The vendors' APIs over HTTP."""
