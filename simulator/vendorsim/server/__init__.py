"""The vendors' APIs, the control API and the workbench page."""
