"""Names, types, units and positions of channels."""
