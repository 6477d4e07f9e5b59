"""Rendering people in clips."""
