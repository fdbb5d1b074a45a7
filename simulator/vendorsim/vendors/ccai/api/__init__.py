"""The Apps API: `end_user`, end users, and the chats of an integration of its own."""
