"""Personal data: where it lies, and forgetting a person."""
