"""The REST API that integrations call."""
