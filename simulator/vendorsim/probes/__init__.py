"""Probes read the state of the integration: a URL, a function, a command, an SQL query, or several of them.

`model` says what a probe is. Another kind of probe is a module with a source and a probe, and a row in `reading.KINDS`.
"""
