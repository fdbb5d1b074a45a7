"""A scenario played as a vendor, without any network: the events of every conversation, and what a run needs."""
