"""The bodies of Smartsupp's POST hook and event webhooks. Pure functions."""
