"""Words for port scans, and for what resembles them."""

from collections.abc import Mapping

from csirtlab.content.labs import Form
from csirtlab.content.vocabulary.words import PORT, Parameter, Texts, Verb

VERBS: Mapping[str, Verb] = {
    "sweep": Verb(
        "a scanner knocks at one port of one host after the other, slowly (T1595.001)",
        {
            "share": Parameter(0.3, 1, "share of the listed hosts that it knocks at"),
            "gap_s": Parameter(0.5, 600, "seconds from one knock to the next"),
        },
        target=(),
        source=("service", "host"),
        lists={"ports": Texts("ports of which one is drawn", PORT)},
        connects=False,
        facts={"hosts": Form.SET, "port": Form.PORT},
    ),
    "port-scan": Verb(
        "nmap -sS at one host: many ports at once (T1046)",
        {
            "ports": Parameter(20, 2000, "how many ports it tries"),
            "open": Parameter(1, 12, "how many of the candidates are open"),
            "rate": Parameter(20, 2000, "knocks a second"),
        },
        target=("host",),
        source=("service", "host"),
        lists={"candidates": Texts("ports of which some are open on the host", PORT)},
        connects=False,
        facts={"open_ports": Form.SET},
    ),
    "monitor": Verb(
        "a monitoring server looks whether services of the site answer, again and again",
        {
            "interval_s": Parameter(30, 3600, "seconds from one round to the next"),
            "hosts": Parameter(2, 60, "how many hosts it watches"),
        },
        target=(),
        lists={"ports": Texts("ports to look at: one or two of those that a host has open by its role", PORT)},
    ),
    "check-services": Verb(
        "a monitoring server connects to many ports of one server in a row, again and again: all of its services",
        {
            "interval_s": Parameter(30, 3600, "seconds from one round to the next"),
            "services": Parameter(2, 60, "how many of the ports it looks at"),
        },
        target=("group", "host"),
        lists={"ports": Texts("ports to look at: those of them that the server has open by its role", PORT)},
    ),
}

WITNESSES: Mapping[str, str] = {
    "sweep.source": "the address outside whose SYNs go to most hosts of the site",
    "sweep.hosts": "the hosts that it knocks at",
    "port-scan.target": "the host that one address sends SYNs to the most ports of",
    "port-scan.open_ports": "those of its ports that answer that address with SYN-ACK",
}

GUESSES: Mapping[str, str] = {
    "first-syn.source": "who sends the first SYN of the capture",
    "most-syns.source": "who sends the most SYNs",
}
