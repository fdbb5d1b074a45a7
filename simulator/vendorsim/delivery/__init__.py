"""Sends events: player, agenda, faults, retries, records."""
