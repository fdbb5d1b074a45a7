"""Contract tests of an integration: checks, findings, verdict."""
