"""Cutting videos into clips."""
