"""The house itself: what lies where, and files that must say the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from csirtlab.languages import CATALOGUES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("folder", ["courses", "labs", "datasets"])
def test_content_folders_are_no_packages(folder: str) -> None:
    """``datasets`` is a well-known package's import name."""
    assert not list((ROOT / folder).rglob("__init__.py"))


def test_environment_yml_asks_for_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    from_pip = next(item["pip"] for item in listed if isinstance(item, dict))
    from_conda = [item for item in listed if isinstance(item, str)]

    assert f"python{project['requires-python']}" in from_conda
    assert sorted({*from_conda, *from_pip} - {"pip", f"python{project['requires-python']}"}) == sorted(
        project["dependencies"]
    )


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_locked_requirements_carry_hashes_and_no_addresses(path: Path) -> None:
    text = path.read_text()

    assert "://" not in text and "--index-url" not in text
    assert text.count("--hash=sha256:") > len(re.findall(r"^[a-z]", text, re.MULTILINE))


def test_the_proxys_lock_carries_no_download_addresses() -> None:
    assert '"resolved"' not in (ROOT / "hub_config" / "proxy" / "package-lock.json").read_text()


@pytest.mark.parametrize("domain", sorted({path.name.split(".")[0] for path in CATALOGUES.glob("*.po")}))
def test_every_domain_is_translated_into_three_languages(domain: str) -> None:
    assert {path.name for path in CATALOGUES.glob(f"{domain}.*.po")} == {
        f"{domain}.{language}.po" for language in ("es", "pt", "fr")
    }


def test_modules_stay_small() -> None:
    """Past 500 lines there is a second module hiding inside."""
    long = [str(path) for path in (ROOT / "src").rglob("*.py") if len(path.read_text().splitlines()) > 500]

    assert long == []
