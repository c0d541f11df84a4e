"""Words for reading the web by way of the site's proxy, which writes it down."""

from collections.abc import Mapping

from csirtlab.content.vocabulary.words import PROXY, Parameter, Verb

VERBS: Mapping[str, Verb] = {
    "browse-by-proxy": Verb(
        "people read web pages over TLS in tunnels through the proxy: proxy.log",
        {
            "sessions_per_hour": Parameter(0.1, 30, "how often a person sits down to read"),
            "pages": Parameter(1, 60, "pages read in one sitting"),
            "third_parties": Parameter(0, 12, "other sites that one page fetches from"),
            "response_bytes": Parameter(100, 2_000_000, "bytes of one answer, before encryption"),
        },
        needs_client=True,
        others={"proxy": ("host",)},
        people=("from",),
        writes=(PROXY,),
    ),
    "read-by-proxy": Verb(
        "people read pages over plain HTTP through the proxy, with pictures, and now and then fetch a file: proxy.log",
        {
            "pages_per_hour": Parameter(0.1, 120, "pages that one host reads"),
            "response_bytes": Parameter(100, 400_000, "bytes of one answer"),
            "files": Parameter(0, 1, "share of the pages from which a file is fetched"),
            "file_bytes": Parameter(1000, 2_000_000, "bytes of one file"),
        },
        others={"proxy": ("host",)},
        people=("from",),
        writes=(PROXY,),
    ),
}
