"""What tells that a video is made by AI: putting it in, and finding it again."""
