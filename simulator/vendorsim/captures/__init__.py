"""Captured traffic: what a vendor and an integration really sent to each other."""
