"""Profiles `observed-<version>`: what real servers send. MessageHub is built on Chatwoot, versions 2.5 to 4.18."""
