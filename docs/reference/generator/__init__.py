"""Writes the reference pages, the man pages and the completion scripts from the program itself."""
