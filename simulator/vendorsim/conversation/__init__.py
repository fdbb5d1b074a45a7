"""The state of a conversation, and the reducer that changes it."""
