"""What was sent and received, kept in SQLite or PostgreSQL: written, read page by page, exported."""
