"""Whether the product's stage `face_branch` teaches a model faces: on drawn people, on the tiny model without its own branch."""
