"""What params.yaml says, checked."""
