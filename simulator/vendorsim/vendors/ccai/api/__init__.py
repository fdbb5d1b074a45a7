"""The Apps API: `end_user`, end users, and the chats that integrations create."""
