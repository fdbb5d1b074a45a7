"""The stylesheets of all pages take their values from one scale, `tokens.css`, so that pages look alike and a colour is
changed in one place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from vendorsim.vendorkit.web_pages import STYLES

PACKAGE = Path(STYLES["tokens.css"]).parents[1]
TOKENS = STYLES["tokens.css"].read_text()
# The reports of `check` and `load` are files of their own, with their styles in them.
SHEETS = sorted(
    path
    for path in PACKAGE.rglob("*.css")
    if path.name != "tokens.css" and "reporting" not in path.relative_to(PACKAGE).parts
)
NAMED = "white|black|red|green|blue|gr[ae]y|silver|orange|yellow|purple|navy|teal|maroon|brown|pink|gold"
RAW_COLOUR = re.compile(
    rf"#[0-9a-f]{{3,8}}\b|\b(?:rgb|hsl|hwb|lab|lch|oklab|oklch|color)a?\(|\b(?:{NAMED})\b(?!-)", re.I
)
DECLARATION = re.compile(r"(?<![\w-])([a-z-]+): ([^;{}]+);")
# Pixels that are no distance between things: hairlines, and the place of what is drawn.
HAIRLINE = {"0", "1px", "-1px"}
SPACED = re.compile(r"(?:padding|margin)(?:-(?:top|right|bottom|left))?|(?:row-|column-)?gap")


def without_comments(path: Path) -> str:
    return re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), path.read_text(), flags=re.S)


def declarations(path: Path) -> list[tuple[int, str, str]]:
    """Line, property and value of each declaration."""
    text = without_comments(path)
    return [(text.count("\n", 0, found.start()) + 1, found[1], found[2]) for found in DECLARATION.finditer(text)]


def test_there_are_stylesheets() -> None:
    assert {"base.css", "app.css", "code.css", "views.css"} <= {path.name for path in SHEETS}


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_no_other_stylesheet_has_a_colour_of_its_own(path: Path) -> None:
    found = [
        f"{path.name}:{line}: {name}: {value}" for line, name, value in declarations(path) if RAW_COLOUR.search(value)
    ]
    assert not found, "\n".join(["Take a variable of tokens.css:", *found])


SET_BY_SCRIPTS = {
    name
    for path in PACKAGE.rglob("workbench/**/*.js")
    for name in re.findall(r'setProperty\("(--[\w-]+)"', path.read_text())
}


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_each_variable_is_one_of_the_scale(path: Path) -> None:
    text = without_comments(path)
    own = set(re.findall(r"(--[\w-]+):", text + TOKENS)) | {"--brand", "--on-brand"} | SET_BY_SCRIPTS
    unknown = sorted(set(re.findall(r"var\((--[\w-]+)", text)) - own)
    assert not unknown, f"{path.name} uses variables that tokens.css does not have: {', '.join(unknown)}"


@pytest.mark.parametrize("name", ["base.css", "app.css"])
def test_the_frame_takes_sizes_from_the_scale(name: str) -> None:
    path = next(path for path in SHEETS if path.name == name)
    found = []
    for line, declared, value in declarations(path):
        if declared == "font-size" and not re.fullmatch(r"var\(--font-\w+\)|[\d.]+em", value):
            found.append(f"{name}:{line}: {declared}: {value}")
        if declared == "border-radius" and not re.fullmatch(r"(?:var\(--radius[\w-]*\)|0| |!important)+", value):
            found.append(f"{name}:{line}: {declared}: {value}")
        if SPACED.fullmatch(declared):
            rest = re.sub(r"calc\(-1 \* (var\(--space-\d\))\)|var\(--space-\d\)", "0", value)
            wrong = [
                word for word in rest.split() if word not in HAIRLINE | {"auto", "!important"} and word.endswith("px")
            ]
            if wrong:
                found.append(f"{name}:{line}: {declared}: {value}")
    assert not found, "\n".join(["Take a value of the scale in tokens.css:", *found])
