"""From a seed to a capture, logs and mail, with their ground truth."""
