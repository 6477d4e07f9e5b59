"""Which parts of a picture belong to which dancer."""
