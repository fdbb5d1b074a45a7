"""One conversation, free of any vendor: its state, the reducer that changes it, and the people in it."""
