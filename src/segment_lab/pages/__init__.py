"""What each page gathers from a study."""
