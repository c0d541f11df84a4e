"""The pages of a workshop."""
