"""A real hub under attack: who attacks it, with what, and where it is read whether they got anything."""
