"""What was sent and received, in SQLite or PostgreSQL."""
