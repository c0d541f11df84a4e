"""Labs without a hub: for one who learns alone, with the verdict at once."""
