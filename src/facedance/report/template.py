"""Pages from their templates, which share the head and the style."""

import importlib.resources
from typing import Any

import jinja2


def fill(template: str, **values: Any) -> str:
    """The page of a template, given as `<package>/<file>` in this program, with `values` in it; texts among them are escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("facedance", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    style = importlib.resources.files("facedance.report").joinpath("page.css").read_text()
    return environment.get_template(template).render(style=style, **values)
