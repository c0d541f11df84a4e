"""The reference solution of ``phish-to-download``: for each question, the source of its answer cell.

It sees the evidence and nothing else, so it has to find the answers of every case. The cells are run in
the order of the lab, in one kernel; the first one defines what the others use.
"""

FALSE_ALARM = '''\
import email
import hashlib
import re
from email import policy
from email.utils import getaddresses, parseaddr
from urllib.parse import urlsplit

import pandas as pd

TRACE = re.compile(r"from \\S+ \\((\\S+) \\[([^\\]]+)\\]\\)\\s+by (\\S+)\\s")
LINE = re.compile(r"(\\d+)\\.(\\d{3}) +(\\d+) (\\S+) \\w+/(\\d+) \\d+ (\\w+) (\\S+) - \\S+ (\\S+)")


def kept_mail(case):
    """The kept messages: recipients, domain in From, whether DMARC failed, links, and hops (name, address, server)."""
    rows = []
    for file in sorted(case.folder.glob("mail/*.eml")):
        message = email.message_from_bytes(file.read_bytes(), policy=policy.default)
        text = message.get_body(("plain",)).get_content()
        rows.append({
            "to": [address for _, address in getaddresses([message["To"]])],
            "domain": parseaddr(message["From"])[1].split("@")[1],
            "fails": "dmarc=fail" in str(message["Authentication-Results"]),
            "links": re.findall(r"https?://[^\\s\\"<>]+", text),
            "trace": [TRACE.search(line).groups() for line in message.get_all("Received")],
        })
    return rows


def believed(trace):
    """The hops, newest first, down to the last one that the one above it vouches for."""
    count = 1
    while count < len(trace) and trace[count][2] == trace[count - 1][0]:
        count += 1
    return trace[:count]


def lures_of(mail):
    """The messages with a forged trace."""
    return [message for message in mail if len(believed(message["trace"])) < len(message["trace"])]


def proxy_lines(case):
    """The lines of the proxy's log: asked (seconds since 1970), client, status, method, url, kind."""
    found = [LINE.match(line).groups() for line in case.path("proxy.log").read_text().splitlines()]
    lines = pd.DataFrame(found, columns=["seconds", "ms", "took", "client", "status", "method", "url", "kind"])
    whole, part, took = (lines[name].astype("int64") for name in ("seconds", "ms", "took"))
    lines["asked"] = (whole * 1000 + part - took) / 1000
    return lines


def addressees(mail):
    """Whom each link of the lure was sent to."""
    return {link: message["to"][0] for message in lures_of(mail) for link in message["links"]}


def clicks_of(case, mail):
    """The lines of the log in which a person asked for a link of the lure."""
    roles = pd.read_csv(case.path("assets.csv")).set_index("address")["role"]
    lines = proxy_lines(case)
    by_machine = lines["client"].map(roles).str.contains("link checker", na=False)
    return lines[lines["url"].isin(addressees(mail)) & ~by_machine]


every_message = kept_mail(case)
forged = lures_of(every_message)
case.answer("false_alarm", {m["domain"] for m in every_message if m["fails"] and m not in forged}.pop())
'''

LURE_RECIPIENTS = """\
case.answer("lure_recipients", {address for message in forged for address in message["to"]})
"""

SENDER_ADDRESS = """\
case.answer("sender_address", believed(forged[0]["trace"])[-1][1])
"""

REFUSED_RECIPIENT = """\
relay = forged[0]["trace"][0][1]
said = case.table(["smtp.rsp.parameter"], f"smtp.response.code == 550 && ip.dst == {relay}", every=True)
case.answer("refused_recipient", re.search(r"<([^>]+)>", " ".join(said["smtp.rsp.parameter"].iloc[0]))[1])
"""

FIRST_CLICK = """\
clicks = clicks_of(case, every_message)
case.answer("first_click", clicks["asked"].min())
"""

DOWNLOAD_HOSTS = """\
lure_site = urlsplit(clicks["url"].iloc[0]).hostname
log_lines = proxy_lines(case)
fetched = log_lines[
    (log_lines["url"].map(lambda url: urlsplit(url).hostname) == lure_site)
    & (log_lines["kind"] == "application/zip")
    & (log_lines["status"] == "200")
    & (log_lines["method"] == "GET")
]
case.answer("download_hosts", set(fetched["client"]))
"""

FILE_HASH = """\
bodies = case.table(["http.response_for.uri", "media.type"], "http.response.code == 200 && media.type")
(body,) = set(bodies.loc[bodies["http.response_for.uri"].isin(fetched["url"]), "media.type"])
case.answer("file_hash", hashlib.sha256(bytes.fromhex(body.replace(":", ""))).hexdigest())
"""

FIND_CLICKERS = """\
def find_clickers(case):
    mail = kept_mail(case)
    return set(clicks_of(case, mail)["url"].map(addressees(mail)))


case.method("find_clickers", find_clickers)
"""

LURE_RULE = """\
case.rule("lure_rule", r'''
rule unsigned_message_with_a_link
{
    strings:
        $message = "MAIL FROM:<"
        $link = /https?:\\/\\//
        $signature = "DKIM-Signature:"
    condition:
        $message and $link and not $signature
}
''')
"""

ANSWERS: dict[str, str] = {
    "false_alarm": FALSE_ALARM,
    "lure_recipients": LURE_RECIPIENTS,
    "sender_address": SENDER_ADDRESS,
    "refused_recipient": REFUSED_RECIPIENT,
    "first_click": FIRST_CLICK,
    "download_hosts": DOWNLOAD_HOSTS,
    "file_hash": FILE_HASH,
    "find_clickers": FIND_CLICKERS,
    "lure_rule": LURE_RULE,
}
"""Question id to the source of its answer cell."""
