"""The code that runs inside the box, beside a submission."""
