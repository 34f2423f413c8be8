"""In charge of the commands `tabularium config …`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from core.cli.common import out, settings, stop

config = typer.Typer(no_args_is_help=True, help="Bring configuration files along.")


@config.command("import-php")
def import_php(
    file: Annotated[Path, typer.Argument(help="A project file of Directus 8, config/<project>.php.")],
    key: Annotated[
        str | None, typer.Option("--project", "-k", help="Key of the project; by default the name of the file.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the file of a project that is there.")] = False,
) -> None:
    """Make a project file of one of Directus 8. The PHP in it is read, never run."""
    from core.projects.creation import KEY, RESERVED
    from core.settings import ConfigurationError, ProjectConfig, files
    from core.settings.php import import_config

    name = file.name.removesuffix(".php")
    private = name.startswith(files.PRIVATE)
    chosen = key or name.removeprefix(files.PRIVATE)
    if not KEY.fullmatch(chosen) or chosen.lower() in RESERVED or (chosen.startswith("_") and chosen != "_"):
        raise stop(f"{chosen} cannot be the key of a project")
    data = settings().data
    try:
        tree, dropped = import_config(file.read_text("utf-8"))
        present = [one for one in files.find(data) if one.key == chosen]
        if present and not force:
            raise stop(f'A project named "{chosen}" already exists')
        ProjectConfig.of(chosen, tree, private=private)
        path = files.write(data, chosen, tree, private=private)
        for one in present:
            if one.path != path:
                files.remove(one)
    except (ConfigurationError, UnicodeDecodeError) as error:
        told = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise stop(f"{file.name}: {told}") from None
    except OSError as error:
        raise stop(f"{error.filename}: {error.strerror}") from None
    out.print(f"Project [bold]{escape(chosen)}[/bold] is configured by {escape(str(path))}.")
    if dropped:
        out.print(f"Not taken over, because nothing reads them: {escape(', '.join(dropped))}")
    root = str(tree.get("storage", {}).get("root", ""))
    if root and not re.match(r"/|[A-Za-z]:", root) and tree["storage"].get("adapter", "local") == "local":
        out.print(f"Its files are looked for in {escape(str(data / root))}.")
