"""Which files are taken for videos, by the ends of their names in lower case; nothing heavy is imported here."""

_ENDS = """
3g2 3gp amv apng asf avi dv f4v flv gif h264 h265 hevc ismv ivf m1v m2t m2ts m2v m4v mjpeg mjpg mk3d mkv mod mov mp4 mpe mpeg
mpg mpv mts mxf nut obu ogm ogv ogx qt rm rmvb swf tod trp ts vob webm wmv wtv y4m
"""

VIDEO_SUFFIXES = frozenset(f".{end}" for end in _ENDS.split())
"""Of containers that FFmpeg reads; what is in them decides whether they can be used."""
