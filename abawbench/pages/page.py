"""Rendering a template as one self-contained page whose policy lets nothing in and nothing out."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

SHELL = "abawbench.pages"
STYLE, SCRIPT = "layout.css", "layout.js"


def render_page(
    package: str, template: str, values: Mapping[str, Any], *, styles: Sequence[str] = (), scripts: Sequence[str] = ()
) -> str:
    """Render a template of a package, which extends `layout.html.j2`, as one page with everything inside it.

    Every value is escaped. Style and script are let in by their hashes alone, pictures as data; style attributes and
    event attributes do nothing on the page. Equal values give equal bytes.

    Args:
        package: package that holds the template, the styles and the scripts, as `abawbench.reports`.
        template: name of the template.
        values: variables of the template.
        styles: names of style sheets of the package, behind the one that all pages share.
        scripts: names of scripts of the package, behind the one that all pages share.
    """
    import jinja2
    import markupsafe

    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package, "."), jinja2.PackageLoader(SHELL, ".")]),
    )
    environment.filters["json"] = lambda value: markupsafe.Markup(inert_json(value))  # noqa: S704
    style = "\n".join(_text(SHELL if name == STYLE else package, name) for name in (STYLE, *styles))
    script = "\n".join(_text(SHELL if name == SCRIPT else package, name) for name in (SCRIPT, *scripts))
    return environment.get_template(template).render(
        **values,
        policy=policy(style, script),
        style=markupsafe.Markup(style),  # noqa: S704
        script=markupsafe.Markup(script),  # noqa: S704
    )


def policy(style: str, script: str) -> str:
    """The content security policy of a page: its own style and script, pictures inside it, and nothing else.

    Args:
        style: text of the page's style element.
        script: text of the page's script element.
    """
    sources = (f"{kind}-src '{_hash(text)}'" for kind, text in (("style", style), ("script", script)))
    return "; ".join(("default-src 'none'", *sources, "img-src data:", "base-uri 'none'", "form-action 'none'"))


def inert_json(value: Any) -> str:
    r"""A value as JSON that no HTML parser takes for markup, for a script element of type `application/json`.

    >>> inert_json({"unit": "</script>"})
    '{"unit":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _text(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text("utf-8").strip()


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
