"""The control API: what people and programs ask of a running server. Described in `contracts/control/openapi.json`."""
