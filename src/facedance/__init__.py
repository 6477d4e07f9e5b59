"""Videos of a person dancing AIST dances with their own face."""

__version__ = "0.1.0"
