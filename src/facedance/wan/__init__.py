"""Wan2.1-VACE with a face branch: latents, training, rendering."""
