"""The command line; its libraries are imported only when it runs.

| file | commands |
|---|---|
| `app` | the list of commands |
| `frame` | what is around every command: options, the open store, errors in one line |
| `display` | how memories are shown |
| `demo` | `demo` |
| `writing` | `add`, `import`, `forget` |
| `reading` | `recall`, `show`, `stats`, `verify`, `export` |

Exit codes: 0 done, 1 an error (one line, no traceback), 2 a wrong use.
"""

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit."""
    try:
        from recollect.cli.app import app
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("typer", "rich", "click"):
            raise
        sys.stderr.write(f'recollect: the command line needs {error.name}: pip install "recollect[cli]"\n')
        sys.exit(1)
    try:
        app()
    except BrokenPipeError:
        # The reader of a pipe went away: leave quietly, and keep the interpreter from flushing into it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
