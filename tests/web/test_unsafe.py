"""Without walls, every page says so."""

from unittest.mock import Mock

import pytest
from tornado.httputil import HTTPHeaders

from csirtlab.languages import Language
from csirtlab.web.unsafe import Warned, with_warning


def transformed(content_type: str, page: bytes) -> tuple[HTTPHeaders, bytes]:
    headers = HTTPHeaders({"Content-Type": content_type, "Content-Length": str(len(page))})
    _, headers, page = Warned(Mock()).transform_first_chunk(200, headers, page, True)
    return headers, page


def test_a_page_carries_the_warning_and_its_new_length() -> None:
    headers, page = transformed("text/html; charset=UTF-8", b'<html><body class="jp">x</body></html>')

    assert b'<body class="jp"><div role="alert"' in page and b"--unsafe-no-box" in page
    assert int(headers["Content-Length"]) == len(page)


def test_other_answers_stay_as_they_are() -> None:
    assert transformed("application/json", b'{"a": "<body>"}')[1] == b'{"a": "<body>"}'


def test_a_page_that_says_so_itself_is_left_alone() -> None:
    page = b"<body><p>--unsafe-no-box</p></body>"

    assert transformed("text/html", page)[1] == page


@pytest.mark.parametrize(
    ("language", "words"),
    [(Language.ES, "Sin aislamiento"), (Language.PT, "Sem isolamento"), (Language.FR, "cloisonnement")],
)
def test_the_warning_is_in_the_readers_language(language: Language, words: str) -> None:
    assert words in with_warning(b"<body></body>", language).decode()
