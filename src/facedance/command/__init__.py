"""The command `facedance`."""
