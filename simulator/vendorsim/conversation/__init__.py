"""The state of a conversation, the reducer that changes it, and made-up people."""
