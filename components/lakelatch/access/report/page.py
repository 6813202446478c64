"""The report as one HTML page that needs nothing else: no network, no server, no library.

The data stand in the page once, as JSON; a script draws what is looked at. A content security policy lets run only that
script and style, by their hashes (CSP Level 3 §2.3.1), and lets nothing be fetched or sent.
"""

import base64
import hashlib
import json
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

_HERE: Final = Path(__file__).parent


def page(data: dict[str, Any]) -> str:
    """The page for what `data.data` tells."""
    style, script, body = (_part(name) for name in ("page.css", "page.js", "page.html"))
    return Template(body).substitute(
        title=escape(f"Who can do what: {data['source']}"),
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        style=style,
        script=script,
        data=embedded(data),
    )


def embedded(data: Any) -> str:
    """JSON that ends no element and begins none (HTML, "Restrictions for contents of script elements")."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _part(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
