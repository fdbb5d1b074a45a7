"""The control API, which controls a running server. Described in `contracts/control/openapi.json`."""
