"""The operations of the control API, by subject. The `add` of each module hangs its routes into the blueprint."""
