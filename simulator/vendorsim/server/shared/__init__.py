"""What several servers share: in memory for one of them, in PostgreSQL where there are more."""
