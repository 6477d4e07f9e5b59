"""What the chosen settings will need, predicted before any heavy work."""
