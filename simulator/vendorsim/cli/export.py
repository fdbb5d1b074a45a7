"""`vendorsim export`: types of a vendor's bodies, and signed requests, for code in any language."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from vendorsim.cli import options
from vendorsim.core.version import __version__
from vendorsim.reporting import console

# The command of the npm package json-schema-to-typescript.
_JSON2TS = "json2ts"
# Seconds; it takes one or two.
_LONGEST_GENERATION = 120


@click.group("export", cls=options.SuggestingGroup)
def command() -> None:
    """Print types of a vendor's bodies, or signed requests to test a verifier with.

    \b
    vendorsim export types --vendor messagehub --lang python > messagehub.py
    vendorsim export vectors > vectors.json
    """


@command.command("types", cls=options.Command)
@options.vendor
@click.option(
    "--lang", "language", type=click.Choice(["typescript", "python"]), required=True, help="The language of the types."
)
def types(vendor: str, profile: str | None, language: str) -> None:
    """Print a type for each event of the vendor, and AnyEvent for any of them. Comments have the provenance of fields.

    Python needs: pip install 'vendorsim[export]'. The types are TypedDicts. TypeScript needs, in your project: npm
    install --save-dev json-schema-to-typescript.

    \b
    vendorsim export types --vendor messagehub --lang python > messagehub.py
    vendorsim export types --vendor smartsupp --profile webhooks --lang typescript > smartsupp.ts
    """
    from vendorsim.core.errors import InputError
    from vendorsim.vendorkit import registry
    from vendorsim.vendorkit.contract import contract
    from vendorsim.vendorkit.type_schema import type_schema

    chosen = registry.get(vendor).profile(profile)
    if not chosen.events:
        raise InputError(f"{vendor} sends no events with the profile '{chosen.name}'; choose another with --profile")
    title = f"The bodies that {vendor} sends ({chosen.name}); written by vendorsim {__version__} export types."
    generate: Callable[[dict[str, Any], str], bytes] = {"python": _python, "typescript": _typescript}[language]
    console.write_line(generate(type_schema(contract(vendor, chosen.name), chosen.event_names()), title).rstrip(b"\n"))


def _python(schema: dict[str, Any], title: str) -> bytes:
    """Returns a module with TypedDicts. Raises MissingExtraError."""
    from vendorsim.core.errors import MissingExtraError

    try:
        from datamodel_code_generator import InputFileType, LiteralType, PythonVersion, generate
        from datamodel_code_generator.enums import DataModelType
        from datamodel_code_generator.format import Formatter
    except ImportError:
        raise MissingExtraError("--lang python", "datamodel-code-generator", "export") from None
    written = generate(
        json.dumps(schema),
        input_file_type=InputFileType.JsonSchema,
        output_model_type=DataModelType.TypingTypedDict,
        target_python_version=PythonVersion.PY_311,
        enum_field_as_literal=LiteralType.All,
        use_standard_collections=True,
        use_union_operator=True,
        use_schema_description=True,
        use_field_description=True,
        reuse_model=True,
        # Keys that begin with an underscore stay as they are.
        special_field_name_prefix="",
        formatters=[Formatter.BUILTIN],
        custom_file_header=f'"""{title}"""',
        disable_timestamp=True,
    )
    assert isinstance(written, str)
    return written.encode()


def _typescript(schema: dict[str, Any], title: str) -> bytes:
    """Returns a module with interfaces. Raises MissingComponentError."""
    from vendorsim.core.errors import MissingComponentError

    program = _find_json2ts()
    if program is None:
        raise MissingComponentError(
            "types of TypeScript need the generator json-schema-to-typescript (json2ts), which is neither in a "
            "node_modules folder from here upwards nor on PATH: npm install --save-dev json-schema-to-typescript"
        )
    done = subprocess.run(
        [
            program,
            "--unreachableDefinitions",
            "--additionalProperties=false",
            f"--bannerComment=/* eslint-disable */\n// {title}",
        ],
        input=json.dumps(schema).encode(),
        capture_output=True,
        timeout=_LONGEST_GENERATION,
        check=False,
    )
    if done.returncode:
        raise MissingComponentError(f"{program} failed: {done.stderr.decode(errors='replace').strip()[-1000:]}")
    return done.stdout


def _find_json2ts() -> str | None:
    """Returns the path of json2ts: that of the nearest node_modules folder, or else the one on PATH."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        found = shutil.which(_JSON2TS, path=os.fspath(folder / "node_modules" / ".bin"))
        if found is not None:
            return found
    return shutil.which(_JSON2TS)


@command.command("vectors", cls=options.Command)
@click.option(
    "--vendor", metavar="V", type=options.VendorType(), help="Only the schemes of this vendor; default: all schemes."
)
def vectors(vendor: str | None) -> None:
    """Print signed requests, valid and invalid ones, for each signature scheme, with the verdict that a verifier has to
    reach and the reason. They are the same each time: a vector says what time it is.

    \b
    vendorsim export vectors > vectors.json
    vendorsim export vectors --vendor smartsupp > vectors.json
    """
    from vendorsim.core.errors import InputError
    from vendorsim.vendorkit import registry
    from vendorsim.vendorkit.signature_vectors import vectors_document
    from vendorsim.vendorkit.signing import schemes

    known = schemes() if vendor is None else registry.get(vendor).schemes
    chosen = {name: scheme for name, scheme in known.items() if scheme.signs}
    if not chosen:
        raise InputError(f"{vendor} has no signature scheme of its own; leave out --vendor for all schemes")
    console.print_indented(vectors_document(chosen))
