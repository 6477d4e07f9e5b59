"""The dancers' own faces in the clips."""
