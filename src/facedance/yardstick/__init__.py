"""Anybody's videos before the judges of the renders: docs/protocol.md says how."""
