"""Sending: clock, policy, transport and player."""
