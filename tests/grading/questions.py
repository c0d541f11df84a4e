"""Questions as a lab would ask them, for the tests."""

from csirtlab.content.labs import Form, Kind, Question, Tolerance


def ask(
    form: Form,
    *,
    question_id: str = "asked",
    kind: Kind = Kind.FINDING,
    points: float = 10.0,
    fact: str = "fact",
    items: Form | None = None,
    columns: dict[str, Form] | None = None,
    choices: dict[str, str] | None = None,
    tolerance: Tolerance = Tolerance(),  # noqa: B008  # frozen
    siblings: int = 3,
) -> Question:
    """Return a question with sensible rest."""
    return Question(
        id=question_id,
        kind=kind,
        points=points,
        prompt="What is it?",
        feedback="Look closely.",
        fact=fact,
        form=form,
        items=items,
        columns=columns or {},
        choices=choices or {},
        tolerance=tolerance,
        siblings=siblings,
        rubric=(),
    )
