"""Print findings as they come, or as one JSON object."""

import json
import shutil
import textwrap
from collections.abc import Iterable
from dataclasses import asdict

import click

from planner.doctor.finding import Finding

_NAME_WIDTH = 18


def show_findings(findings: Iterable[Finding], *, as_json: bool) -> bool:
    """Print findings.

    Parameters
    ----------
    findings : iterable of Finding
        Printed one by one for people.
    as_json : bool
        One object, when all are in: ``works``, ``findings``.

    Returns
    -------
    bool
        Whether `planner run` will work: nothing is a fault.
    """
    told = []
    for finding in findings:
        told.append(finding)
        if as_json:
            continue
        click.echo(_wrapped(f"{finding.state:<6} {finding.name:<{_NAME_WIDTH}} ", finding.found))
        if finding.remedy:
            click.echo(_wrapped(f"{'':<{7 + _NAME_WIDTH}} -> ", finding.remedy))
    works = all(finding.state != "fault" for finding in told)
    if as_json:
        content = {"works": works, "findings": [asdict(finding) for finding in told]}
        click.echo(json.dumps(content, ensure_ascii=False))
    else:
        click.echo(
            "planner run will work" if works else "planner run will not work: see each fault"
        )
    return works


def _wrapped(head: str, text: str) -> str:
    """Text behind a head, in as many lines as the screen needs; words stay whole."""
    return textwrap.fill(
        text, shutil.get_terminal_size().columns, initial_indent=head,
        subsequent_indent=" " * len(head), break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
