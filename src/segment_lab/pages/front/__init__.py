"""Page one: the news, every segment's treatment, and the names to act on this week."""
