"""What a trainee imports in a notebook: ``from csirtlab.kit import open_case``."""
