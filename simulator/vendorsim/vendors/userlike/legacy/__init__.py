"""The profile `legacy`: the API add-on's callbacks before Unified Messaging."""
