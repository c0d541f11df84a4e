"""The hub's own interface, asked by trainees: other people's accounts, servers, tokens, shares and events."""

import json

from csirtlab.bench.attacks.hub.exchange import own_token
from csirtlab.bench.attacks.siege import raw
from csirtlab.bench.attacks.siege.attacks import attack
from csirtlab.bench.attacks.siege.ground import Siege

Call = tuple[str, str, object]


def calls(siege: Siege, *wanted: Call) -> list[str]:
    """Make calls as ben, by his cookies and by a token of his; return those that were granted, as harms."""
    ben, found = siege.person("ben"), []
    token = {"Authorization": f"token {own_token(siege, 'ben')}"}
    with ben.new_client() as without_cookies:
        for method, path, body in wanted:
            for client, headers in ((ben.http, ben.as_page), (without_cookies, token)):
                answer = client.request(method, f"/hub/api{path}", json=body, headers=headers)
                found += [f"{method} {path}: {answer.status_code} {answer.text[:60]}"] * (answer.status_code < 300)
    return found


def servers_token(siege: Siege) -> str:
    """Return the token of ana's server."""
    return str(siege.hostile.runs("tell(os.environ['JUPYTERHUB_API_TOKEN'])"))


@attack
def hub_administration(siege: Siege) -> list[str]:
    """List, make, change and delete accounts, groups and services, read the hub's inside, stop the hub.

    A trainee is refused everywhere.
    """
    found = calls(
        siege, ("GET", "/users", None), ("GET", "/users/irene", None), ("POST", "/users/mallory", None), ("POST", "/users", {"usernames": ["mallory"]}), ("PATCH", "/users/ben", {"admin": True}),
        ("DELETE", "/users/bia", None), ("PUT", "/users/ben/auth_state", {}), ("GET", "/groups", None), ("POST", "/groups/x", {}), ("GET", "/services", None), ("GET", "/proxy", None),
        ("POST", "/proxy", None), ("PATCH", "/proxy", {"api_url": "http://x"}), ("GET", "/info", None), ("POST", "/shutdown", {}), ("POST", "/users/irene/activity", {"last_activity": "2027-01-01T00:00:00Z"}),
    )  # fmt: skip
    for page in ("/hub/admin", "/hub/token/irene", "/hub/admin#/users"):
        found += [f"{page} opens"] * (raw.status(siege.ask(siege.person("ben"), page)) == 200)
    return found


@attack
def servers_of_others(siege: Siege) -> list[str]:
    """Start and stop others' servers, a cohort's among them, by interface and by page.

    Nobody's server but one's own starts or stops.
    """
    found = calls(
        siege,
        *(
            (method, f"/users/{name}/server", None)
            for name in ("bia", "irene", "grade-demo", "ana")
            for method in ("POST", "DELETE")
        ),
    )
    for name in ("bia", "grade-demo"):
        for page in (f"/hub/spawn/{name}", f"/hub/spawn-pending/{name}", f"/hub/user/{name}/lab"):
            answer = siege.ask(siege.person("ben"), page)
            found += [f"{page} opens"] * (raw.status(answer) == 200 and b"spawn-pending" in answer)
    return found


@attack
def named_servers(siege: Siege) -> list[str]:
    """Start servers with further names, of one's own and of others, whose names could be another's address.

    There are none.
    """
    return calls(
        siege,
        *(
            ("POST", f"/users/{who}/servers/{name}", {})
            for who in ("ben", "bia")
            for name in ("x", "..%2fbia", "grade-demo", "bia")
        ),
    )


@attack
def events_of_others(siege: Siege) -> list[str]:
    """Follow the progress of others' servers, which names them and what goes wrong.

    One's own alone is told.
    """
    return calls(
        siege,
        *(
            ("GET", f"/users/{name}/server{more}/progress", None)
            for name in ("ana", "irene", "grade-demo")
            for more in ("", "s/")
        ),
    )


@attack
def tokens_that_may_more(siege: Siege) -> list[str]:
    """Make tokens with more rights than one has, tokens of others, and read theirs.

    No token is made that may more, and others' are not told.
    """
    more: tuple[object, ...] = (
        {"roles": ["admin"]}, {"roles": ["server"], "scopes": ["admin:users"]}, {"scopes": ["access:servers"]}, {"scopes": ["access:servers!user=ana"]},
        {"scopes": ["access:servers!server=grade-demo/"]}, {"scopes": ["servers!user=bia"]}, {"roles": ["workshop-service"]}, {"scopes": ["shares!user=grade-demo"]},
    )  # fmt: skip
    wanted: list[Call] = [("POST", "/users/ben/tokens", body) for body in more]
    wanted += [("POST", f"/users/{name}/tokens", {}) for name in ("ana", "irene", "grade-demo")]
    wanted += [("GET", f"/users/{name}/tokens", None) for name in ("ana", "irene", "grade-demo")]
    return calls(siege, *wanted)


@attack
def shared_servers(siege: Siege) -> list[str]:
    """Share one's server with others, and others' with oneself; make and use codes for it.

    Nothing is shared, and whoever follows a code is not let in.
    """
    found = calls(
        siege, ("POST", "/shares/ben/", {"user": "irene"}), ("POST", "/shares/grade-demo/", {"user": "ben"}), ("POST", "/shares/ana/", {"user": "ben"}),
        ("PATCH", "/shares/ana/", {"user": "ben"}), ("POST", "/share-codes/ben/", {}), ("POST", "/share-codes/ana/", {}), ("GET", "/shares/grade-demo", None),
        ("GET", "/users/irene/shared", None),
    )  # fmt: skip
    token = servers_token(siege)
    with siege.person("ana").new_client() as http:
        for path, body in (("/shares/ana/", {"user": "irene"}), ("/share-codes/ana/", {})):
            answer = http.post(f"/hub/api{path}", content=json.dumps(body), headers={"Authorization": f"token {token}"})
            found += [f"ana shares her server by {path}"] * (answer.status_code < 300)
    return found


@attack
def what_a_servers_token_opens(siege: Siege) -> list[str]:
    """Use the token of ana's server from outside her walls: for the hub, for pages, for others' servers.

    It opens her own server and the exchange in her name, and nothing else.
    """
    token = {"Authorization": f"token {servers_token(siege)}"}
    found = []
    places = (
        "/hub/api/users",
        "/hub/api/users/ana/tokens",
        "/hub/api/users/ana/server",
        "/hub/home",
        "/hub/token",
        "/services/workshop/",
        "/user/bia/api/contents",
        "/user/grade-demo/api",
        "/hub/api/proxy",
    )
    for place in places:
        for method in ("GET", "POST", "DELETE"):
            answer = siege.ask(None, place, method, **token)
            found += [f"{method} {place} opens"] * (
                raw.status(answer) in (200, 201, 202, 204) and b"login" not in answer
            )
    return found
