"""What has to run again, and what is left over."""
