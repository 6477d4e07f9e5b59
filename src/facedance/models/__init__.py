"""Fetching and checking model weights."""
