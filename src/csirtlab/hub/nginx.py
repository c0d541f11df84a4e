"""nginx's configuration: what every public request passes before anybody's server.

The owner of an address is read once, from the address as it came (``$request_uri``): the same value decides
and routes. Two readings leak, since programs decode differently.

Source: nginx 1.22, ngx_http_auth_request_module, ngx_http_map_module, ngx_http_proxy_module.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from csirtlab.exchange.limits import MIB, RELEASE_LIMIT
from csirtlab.sockets import Sockets

COOKIE = "csirtlab-gate"
CONNECTIONS = 16_384  # of each of nginx's processes
UPLOAD_LIMIT = 100 * MIB
FORM_LIMIT = MIB
WORKSHOP = "/services/workshop"
EXCHANGE = f"{WORKSHOP}/exchange/"

OWNER = "[a-z][a-z0-9._-]{1,31}"
"""User names as rosters have them (cohorts/roster.py), ``grade-COHORT`` among them."""

COMPRESSED = (
    "text/css", "text/plain", "text/javascript", "application/javascript", "application/json", "image/svg+xml",
    "application/wasm", "font/ttf", "application/vnd.ms-fontobject", "application/x-ipynb+json", "text/markdown",
)  # fmt: skip

HIDDEN = (
    "Service-Worker-Allowed", "Clear-Site-Data", "Alt-Svc", "Strict-Transport-Security", "NEL", "Report-To",
    "Reporting-Endpoints", "WWW-Authenticate", "Proxy-Authenticate", "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods",
    "Access-Control-Expose-Headers", "Access-Control-Max-Age", "Origin-Agent-Cluster", "Speculation-Rules",
)  # fmt: skip
"""What a server's answer may say of itself alone, not of the host that it shares with the hub."""

UNHEEDED = ("Redirect", "Expires", "Limit-Rate", "Buffering", "Charset")
"""nginx acts on ``X-Accel-...`` of whoever answers; a trainee's server would reach internal places by it."""

HUB_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
)

SERVER_CALLS = (
    "= /hub/api", "= /hub/api/", "= /hub/api/user", "= /hub/api/oauth2/token",
    f'~ "^/hub/api/users/{OWNER}/activity$"',
)  # fmt: skip
"""What single-user servers ask the hub: its version, whose a token is, and to note that somebody is at work."""


@dataclass(frozen=True)
class Shared:
    """JupyterLab's own files, the same for everybody: given out once, at an address that names their version."""

    folder: Path
    version: str

    @property
    def address(self) -> str:
        """Where they are, from the root of the host."""
        return f"/shared/lab-{self.version}/"


@dataclass(frozen=True)
class Public:
    """Where browsers come in."""

    bind: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    trusted: tuple[str, ...] = ()  # addresses of reverse proxies that stand before
    shared: Shared | None = None
    origin: str = ""  # of a wildcard name, under which each server has a host of its own

    @property
    def address(self) -> str:
        """The address to listen at, as nginx writes it."""
        host = f"[{self.bind}]" if ":" in self.bind else self.bind
        return f"{host}:{self.port}"


def configuration(public: Public, sockets: Sockets, folder: Path) -> str:
    """Return ``nginx.conf``; ``folder`` is nginx's own, for its pid and what does not fit into memory."""
    return f"""\
# Written by csirtlab up at each start; changes here are lost.
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes auto;
events {{ worker_connections {CONNECTIONS}; }}
http {{
    access_log off;
    server_tokens off;
    absolute_redirect off;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    client_max_body_size {FORM_LIMIT};
    client_header_timeout 20s;
    client_body_timeout 60s;
    send_timeout 60s;
    large_client_header_buffers 8 16k;
    merge_slashes off;

    gzip on;
    gzip_proxied any;
    gzip_vary on;
    gzip_min_length 512;
    gzip_comp_level 5;
    gzip_types {" ".join(COMPRESSED)};

    proxy_http_version 1.1;
    proxy_connect_timeout 5s;
    proxy_read_timeout 1h;
    proxy_send_timeout 1h;
    # What comes is handed on at once: events would wait for a full buffer, and downloads for the disk.
    proxy_buffering off;
    # A hello has many cookies and long names of files.
    proxy_buffer_size 16k;
    proxy_buffers 8 16k;

    upstream gate {{ server unix:{sockets.gate}; keepalive 16; }}
    upstream hub {{ server unix:{sockets.hub}; }}
    upstream workshop {{ server unix:{sockets.workshop}; }}

{_maps(public, sockets)}
    limit_req_zone $sign_in_from zone=sign_in:1m rate=2r/s;
    limit_req_status 429;

{_public_servers(public)}
{_inner_server(sockets)}
}}
"""


def _maps(public: Public, sockets: Sockets) -> str:
    trusted = "".join(f" {address} 1;" for address in public.trusted)
    # The path alone: what follows "?" is data. Of "%" what decodes to something that addresses are cut at.
    odd = r"~*^[^?]*(?:/\.{1,2}(?:[/?]|$)|//|%(?:2e|2f|5c|0[0-9a-f]|1[0-9a-f]|7f)|\\\\|[\x00-\x20\x7f])"
    return rf"""
    map $request_uri $is_odd {{ default 1; "{odd}" 1; "~^/" 0; }}
    map $request_uri $gate_owner {{ default ""; "~^/user/(?<owner>{OWNER})(?:[/?]|$)" $owner; }}
    map $http_cookie $gate_cookie {{ default ""; "~(?:^|;)\s*{COOKIE}=(?<gate>[^;\s]*)" $gate; }}
    # Whoever plants a second one (a server can, on a longer path) must not choose whose counts.
    map $http_cookie $is_doubled {{ default 0; "~(?:^|;)\s*{COOKIE}=.*;\s*{COOKIE}=" 1; }}
    map $http_cookie $other_cookies {{
        default $http_cookie;
        "~^(?<before>(?:.*;)?)\s*{COOKIE}=[^;]*;?(?<after>.*)$" $before$after;
    }}
    map $host $hub_origin {{ default "{public.origin}"; }}
    map $host $nothing {{ default ""; }}  # in a named place, only an address with a variable may have a path
    map $http_upgrade $gate_target {{ default {sockets.server("$gate_owner")}; "~." {sockets.relay}; }}
    map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
    map "$request_method $uri" $sign_in_from {{
        default "";
        "~^POST /hub/(?:login|api/users/[^/]+/tokens)" $binary_remote_addr;
    }}
    # With a wildcard name, servers' own pages are of the hub's site.
    map $http_sec_fetch_site $is_from_elsewhere {{ default 0; cross-site 1; same-site {0 if public.origin else 1}; }}
    map $http_upgrade $relay_owner {{ default ""; "~." $gate_owner; }}
    map $http_upgrade $relay_session {{ default ""; "~." $gate_session; }}
    geo $realip_remote_addr $is_trusted {{ default 0;{trusted} }}
    map "$is_trusted $http_x_forwarded_proto" $seen_scheme {{ default $scheme; "1 https" https; "1 http" http; }}
    map $seen_scheme $transport_security {{ default ""; https "max-age=15552000"; }}
"""


def _public_servers(public: Public) -> str:
    """Return who answers at the public address: one host for all, or one for our pages and one for each server."""
    if not public.origin:
        return _host(public, "_", is_default=True, locations=[_PAGES, _servers(is_alone=False)])
    host = urlsplit(public.origin).hostname
    return "\n".join(
        [
            _host(public, f"{host} _", is_default=True, locations=[_PAGES, _ELSEWHERE]),
            _host(public, f"*.{host}", is_default=False, locations=[_servers(is_alone=True), _enter(public.origin)]),
        ]
    )


def _host(public: Public, name: str, *, is_default: bool, locations: Sequence[str]) -> str:
    tls = ""
    if public.certificate:
        tls = f"""
        ssl_certificate {public.certificate};
        ssl_certificate_key {public.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:2m;
        ssl_session_timeout 1d;"""
    real_ip = "".join(f"\n        set_real_ip_from {address};" for address in public.trusted)
    if real_ip:
        real_ip += "\n        real_ip_header X-Forwarded-For;\n        real_ip_recursive on;"
    return f"""
    server {{
        listen {public.address}{_how(public, is_default=is_default)};
        server_name {name};{tls}{real_ip}
        {_error_pages()}
        if ($is_odd) {{ return 400; }}
        # Nothing here is a service worker; one that a server planted would outlive its author's right.
        if ($http_service_worker) {{ return 404; }}
{_indented(_passed_on("$http_cookie"))}

        location = /robots.txt {{ default_type text/plain; return 200 "User-agent: *\\nDisallow: /\\n"; }}
{_shared_files(public)}{"".join(locations)}
        location @entrance {{ {_own_page("entrance")} }}
        location @odd {{ {_own_page("problem/400")} }}
        location @refused {{ {_own_page("problem/403")} }}
        location @unknown {{ {_own_page("problem/404")} }}
        location @too_large {{ {_own_page("problem/413")} }}
        location @too_often {{ {_own_page("problem/429")} }}
        location @away {{
            default_type text/plain;
            add_header Retry-After 5 always;
            return 503 "The labs are starting, or busy. Try again in a few seconds.\\n";
        }}
    }}"""


def _shared_files(public: Public) -> str:
    if public.shared is None:
        return ""
    return f"""
        location {public.shared.address} {{
            alias {public.shared.folder}/;
            types {{
                application/javascript js; text/css css; image/svg+xml svg; application/json json map;
                font/woff2 woff2; font/woff woff; font/ttf ttf; application/vnd.ms-fontobject eot;
                image/png png; application/wasm wasm; text/html html; text/plain txt;
            }}
            disable_symlinks on from={public.shared.folder};
            expires max;
            {_own_headers("default-src 'none'; sandbox")}
            add_header Cache-Control "public, immutable";
        }}
"""


def _how(public: Public, *, is_default: bool) -> str:
    how = " ssl http2" if public.certificate else ""
    if is_default:  # what is said of an address is said once
        how += " ipv6only=off default_server" if public.bind == "::" else " default_server"
    return how


def _error_pages(*of_this_place: str) -> str:
    """Return all of a place: one of its own ends the inheritance of those above."""
    shared = ("400 = @odd", "404 = @unknown", "413 = @too_large", "429 = @too_often")
    away = () if any("502" in page for page in of_this_place) else ("502 503 504 = @away",)
    to_tls = ("497 =308 https://$http_host$request_uri",)
    return " ".join(f"error_page {page};" for page in (*of_this_place, *shared, *away, *to_tls))


def _inner_server(sockets: Sockets) -> str:
    """What a server reaches of all this, at the one socket that lies within its walls."""
    passed = "\n".join(
        [
            "proxy_set_header Host $http_host;",
            "proxy_set_header Connection close;",
            # Whatever a program in there says of itself, its address is not one that tries are counted by.
            *(f'proxy_set_header {name} "127.0.0.1";' for name in ("X-Real-IP", "X-Forwarded-For")),
            *(f'proxy_set_header {name} "http";' for name in ("X-Forwarded-Proto", "X-Scheme")),
            *(f'proxy_set_header {name} "";' for name in ("Cookie", "Forwarded", "X-Forwarded-Host", "Upgrade")),
        ]
    )
    calls = "\n".join(f"        location {place} {{ proxy_pass http://hub; }}" for place in SERVER_CALLS)
    return f"""
    server {{
        listen unix:{sockets.inner};
        server_name _;
        # Programs speak here, not people on poor lines: who only begins to ask holds no place for long.
        client_header_timeout 5s;
        client_body_timeout 30s;
        if ($is_odd) {{ return 400; }}
{_indented(passed)}
{calls}
        location {EXCHANGE} {{
            client_max_body_size {RELEASE_LIMIT + MIB};
            proxy_request_buffering off;
            proxy_pass http://workshop;
        }}
        location / {{
            default_type text/plain;
            return 403 "Not from here: a server reaches the hub's words about itself, and the exchange.\\n";
        }}
    }}"""


def _passed_on(cookies: str) -> str:
    """Return what a request tells further in: who asks and how, never as the client itself says it."""
    return "\n".join(
        [
            "proxy_set_header Host $http_host;",
            "proxy_set_header Upgrade $http_upgrade;",
            "proxy_set_header Connection $connection_upgrade;",
            f"proxy_set_header Cookie {cookies};",
            "proxy_set_header X-Real-IP $remote_addr;",
            "proxy_set_header X-Forwarded-For $remote_addr;",
            "proxy_set_header X-Forwarded-Proto $seen_scheme;",
            "proxy_set_header X-Scheme $seen_scheme;",
            *(f'proxy_set_header {name} "";' for name in ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Port")),
        ]
    )


def _own_headers(policy: str = "") -> str:
    """Return the headers of our own pages, which nobody else may frame, guess the kind of, or take to plain HTTP."""
    lines = [
        "add_header X-Content-Type-Options nosniff always;",
        "add_header Referrer-Policy same-origin always;",
        "add_header Strict-Transport-Security $transport_security always;",
    ]
    if policy:
        lines.append(f'add_header Content-Security-Policy "{policy}" always;')
    return ("\n" + " " * 12).join(lines)


def _own_page(name: str) -> str:
    """Return how the workshop's service answers in the place of what was asked for, whatever that was."""
    return (
        'proxy_method GET; proxy_pass_request_body off; proxy_set_header Content-Length ""; '
        'proxy_set_header Host $http_host; proxy_set_header Cookie ""; proxy_set_header Connection close; '
        "proxy_set_header X-Gate-Wanted $request_uri; proxy_set_header X-Gate-Method $request_method; "
        "add_header Strict-Transport-Security $transport_security always; "
        f"proxy_pass http://workshop{WORKSHOP}/{name}$nothing;"
    )


def _indented(lines: str, columns: int = 8) -> str:
    return "\n".join(" " * columns + line for line in lines.splitlines())


_PAGES = f"""
        location / {{ return 404; }}
        location = / {{ return 302 /hub/; }}
        location /hub/ {{
            # A whole room may sign in from one address.
            limit_req zone=sign_in burst=90 nodelay;
            {_own_headers(HUB_POLICY)}
            proxy_pass http://hub;
        }}
        location = /hub/logout {{
            # A picture or a link elsewhere would sign out whoever comes by.
            if ($is_from_elsewhere) {{ return 302 /hub/home; }}
            {_own_headers(HUB_POLICY)}
            add_header Clear-Site-Data '"storage"' always;
            add_header Set-Cookie "{COOKIE}=; Path=/user/; Max-Age=0; HttpOnly; SameSite=Lax" always;
            proxy_pass http://hub;
        }}
        location {WORKSHOP}/ {{
            {_own_headers()}
            proxy_pass http://workshop;
        }}
        location {EXCHANGE} {{
            client_max_body_size {RELEASE_LIMIT + MIB};
            proxy_request_buffering off;
            {_own_headers()}
            proxy_pass http://workshop;
        }}
"""
"""Hub and workshop."""


def _servers(*, is_alone: bool) -> str:
    """Return the way to everybody's servers; ``is_alone``: nothing else is at the host of each."""
    cookies = "proxy_cookie_domain ~.+ $host" if is_alone else "proxy_cookie_path ~.* /user/$gate_owner/"
    return f"""
        location /user/ {{
            if ($gate_owner = "") {{ return 404; }}
            if ($is_doubled) {{ return 400; }}
            auth_request /_gate;
            auth_request_set $gate_session $upstream_http_x_gate_session;
            {_error_pages("401 = @entrance", "403 = @refused", "500 = @away", "502 504 = @not_running")}
            client_max_body_size {UPLOAD_LIMIT};
            proxy_request_buffering off;
{_indented(_passed_on("$other_cookies"), 12)}
            proxy_set_header X-Gate-Owner $relay_owner;
            proxy_set_header X-Gate-Session $relay_session;
            proxy_ignore_headers {" ".join(f"X-Accel-{name}" for name in UNHEEDED)};
            {cookies};
{_indented(chr(10).join(f"proxy_hide_header {name};" for name in HIDDEN), 12)}
            add_header Strict-Transport-Security $transport_security always;
            proxy_pass http://unix:$gate_target;
        }}
        location = /_gate {{
            internal;
            proxy_pass_request_body off;
            proxy_pass_request_headers off;
            proxy_set_header Host gate;
            proxy_set_header Connection "";
            proxy_set_header Content-Length "";
            proxy_set_header X-Gate-Owner $gate_owner;
            proxy_set_header X-Gate-Host $host;
            proxy_set_header X-Gate-Cookie $gate_cookie;
            proxy_set_header Authorization $http_authorization;
            proxy_read_timeout 20s;
            proxy_pass http://gate/;
        }}
        location @not_running {{
            if ($http_upgrade) {{ return 503; }}
            return 302 $hub_origin/hub$request_uri;
        }}
"""


_ELSEWHERE = f"""
        location /user/ {{
            if ($gate_owner = "") {{ return 404; }}
            {_own_page("elsewhere")}
        }}
"""
"""In the place of servers, on our own host: the way to theirs."""


def _enter(origin: str) -> str:
    """Return what else is on the hosts of servers: where browsers come in, and what our pages there are dressed in."""
    return f"""
        location / {{ return 302 {origin}$request_uri; }}
        location = / {{ return 302 {origin}/hub/; }}
        location = /_enter {{
            {_error_pages()}
            proxy_pass_request_headers off;
            proxy_set_header Host gate;
            proxy_set_header Connection "";
            proxy_set_header X-Gate-Host $host;
            proxy_set_header X-Scheme $seen_scheme;
            add_header Referrer-Policy no-referrer always;
            add_header Cache-Control no-store always;
            proxy_method GET;
            proxy_pass http://gate/enter$is_args$args;
        }}
        location {WORKSHOP}/static/ {{
            {_own_headers()}
            proxy_pass http://workshop;
        }}
"""
