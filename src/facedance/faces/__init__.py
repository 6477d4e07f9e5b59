"""Faces: detection, selection of photos and identity embeddings."""
