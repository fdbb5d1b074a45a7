"""The operations of the control API, by subject. The `add` of each module adds its routes to the blueprint."""
