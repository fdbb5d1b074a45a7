"""HTTP as bytes, both ways: what is sent to integrations, and the server that answers them."""
