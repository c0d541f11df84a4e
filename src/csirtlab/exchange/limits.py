"""How much the exchange takes of each kind, in bytes."""

MIB = 1024 * 1024
SUBMISSION_LIMIT = 20 * MIB
RELEASE_LIMIT = 100 * MIB
FEEDBACK_LIMIT = 50 * MIB
