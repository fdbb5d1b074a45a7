"""What a user reads: handlers of the stream of records."""
