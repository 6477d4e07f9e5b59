"""The AIST Dance Video Database: the names of its videos, its list of them, and fetching them."""
