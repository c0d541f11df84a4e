"""``python -m csirtlab_grader``: what the box starts."""

from csirtlab_grader.worker import main

main()
