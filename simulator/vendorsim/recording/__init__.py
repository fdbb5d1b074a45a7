"""Stands between a vendor and an integration: passes everything on, and keeps it."""
