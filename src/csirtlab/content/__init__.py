"""Files of courses, labs and scenarios, parsed once into frozen values."""
