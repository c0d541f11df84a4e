"""Labs for people who learn alone."""
