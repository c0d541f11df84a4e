"""How much the exchange takes of each kind: sizes in bytes."""

MIB = 1024 * 1024
SUBMISSION_LIMIT = 20 * MIB
RELEASE_LIMIT = 100 * MIB
FEEDBACK_LIMIT = 50 * MIB

HINT_COST_LIMIT = 33
"""Per cent of a question's points for each of its three hints: a right answer is worth something still."""

HINT_REQUEST_LIMIT = 4096

SUBMISSIONS_LIMIT = 100
"""Different submissions of one trainee to one lab: they are kept for good, and one script must not fill the disk."""
