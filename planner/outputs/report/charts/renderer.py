"""Draws charts in a process of its own: specifications come in, drawings go out, line by line.

Run as a script that loads nothing else of the package; `process.py` starts it.
"""

import json
import sys

import vl_convert


def main(vega_lite: str) -> None:
    """Answer each specification on stdin with its SVG on stdout, both as JSON in a line."""
    for line in sys.stdin:
        svg = vl_convert.vegalite_to_svg(json.loads(line), vl_version=vega_lite)
        sys.stdout.write(f"{json.dumps(svg)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
