"""Scores of the renders."""
