"""What the model reads, encoded once."""
