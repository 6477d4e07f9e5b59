"""A face branch for a model, from portraits of many people."""
