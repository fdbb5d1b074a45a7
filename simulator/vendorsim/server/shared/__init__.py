"""The state that several servers share: in memory for a single server, in PostgreSQL for several."""
