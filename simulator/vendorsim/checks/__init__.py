"""The contract tests of an integration: checks, findings and the verdict."""
