"""The embedded sample world."""
