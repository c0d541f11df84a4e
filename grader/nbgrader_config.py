"""nbgrader's configuration for every cohort; a cohort's own ``nbgrader_config.py`` loads it."""

from csirtlab.exchange.nbgrader_setup import configure as configure_exchange
from csirtlab.grading.cohort_folder import find_cohort_folder
from csirtlab.grading.nbgrader_setup import configure as configure_grading

c = get_config()  # noqa: F821  # pyright: ignore[reportUndefinedVariable]  # traitlets puts it there
configure_grading(c, find_cohort_folder())
configure_exchange(c)
