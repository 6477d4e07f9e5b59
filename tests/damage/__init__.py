"""Damaged inputs from seeds, and what becomes of them."""
