"""Tools for AI agents: what `vendorsim mcp` offers over the Model Context Protocol. `server` alone imports its SDK."""
