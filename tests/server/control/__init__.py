"""Tests of the control API, and what they share."""
