"""Which setting to change when no box can be built."""

import pytest

from csirtlab.grading.probing import explain_failure

REFUSED = "bwrap: No permissions to create new namespace"


@pytest.mark.parametrize(
    ("said", "settings", "way_out"),
    [
        ("bwrap is not installed", {}, "apt-get install bubblewrap"),
        (REFUSED, {"kernel.unprivileged_userns_clone": "0"}, "sysctl -w kernel.unprivileged_userns_clone=1"),
        (REFUSED, {"user.max_user_namespaces": "0"}, "sysctl -w user.max_user_namespaces=10000"),
        (
            "bwrap: setting up uid map: Permission denied",
            {"kernel.apparmor_restrict_unprivileged_userns": "1", "user.max_user_namespaces": "9999"},
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (REFUSED, {"user.max_user_namespaces": "9999"}, "Docker: --security-opt seccomp=unconfined"),
        ("bwrap: Can't find source path /root/env", {}, "must lie where other users can read them"),
    ],
)
def test_the_error_names_the_setting_to_change(said: str, settings: dict[str, str], way_out: str) -> None:
    assert way_out in explain_failure(said, settings)
