"""What the coordinator and the senders of a run on Locust tell each other."""

from __future__ import annotations

SHARE = "vendorsim-share"
"""Coordinator to sender: which share it takes, when it starts, and what it must come to."""
TALLY = "vendorsim-tally"
"""Sender to coordinator: its figures."""
PROBLEM = "vendorsim-problem"
"""Sender to coordinator: why it can't send."""
RECALL = "vendorsim-recall"
"""Coordinator to sender: end your share early."""

PAUSE = 0.2
"""How often what was sent is told to Locust, in seconds."""
PATIENCE = 5.0
"""How long the figures of senders that are called back are waited for, in seconds."""
