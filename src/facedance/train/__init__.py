"""Training a person's adapter."""
