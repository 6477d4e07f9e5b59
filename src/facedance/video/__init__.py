"""Reading and writing videos.

What users bring is streamed from its first frame on with PyAV, which also writes the H.264 mp4 that browsers play. In what
was written here, decord finds frames at random. It does not do so in all files: seeking changes pixels where GOPs are open
and shifts the count in trimmed videos (edit lists), MPEG transport streams lose their first frames, and whether it notices
damage beyond the frames asked for depends on the speed of its thread.
"""
