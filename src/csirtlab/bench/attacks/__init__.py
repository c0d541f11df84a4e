"""Attacks on grading, played against this grader and against stock nbgrader."""
