"""The messages between the coordinator and the senders of a run on Locust."""

from __future__ import annotations

SHARE = "vendorsim-share"
"""Coordinator to sender: its share, the start time, and the fingerprint that its load must have."""
TALLY = "vendorsim-tally"
"""Sender to coordinator: its results."""
PROBLEM = "vendorsim-problem"
"""Sender to coordinator: why it failed."""
RECALL = "vendorsim-recall"
"""Coordinator to sender: end the share early."""

PAUSE = 0.2
"""Seconds between two reports of sent requests to Locust."""
PATIENCE = 5.0
"""Seconds for which the coordinator waits for the results of senders that it has stopped."""
