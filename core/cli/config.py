"""In charge of the commands `tabularium config …`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from core.cli.common import Of, out, settings, stop

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


@config.command("rotate-key")
def rotate_key(
    of: Of = "main",
    grace: Annotated[int, typer.Option(min=1, help="Hours in which the old key is still taken.")] = 24,
    compromised: Annotated[
        bool, typer.Option("--compromised", help="Somebody knows the old key: it is worth nothing from now on.")
    ] = False,
) -> None:
    """Sign tokens with a new key. Running servers take notice by themselves.

    Without --compromised, tokens and links that are out stay good for a while, and webhooks keep their secrets.
    """
    import secrets
    from datetime import UTC, datetime, timedelta

    from core.settings import ConfigurationError, ProjectConfig, files
    from core.settings.rotation import rotated

    place = settings()
    try:
        found = next((one for one in files.find(place.data) if one.key == of), None)
        if found is None or place.use_environment:
            raise stop(f"There is no file of a project {of}: auth.secret_key is set where it comes from")
        if found.path.suffix != ".json":
            raise stop(f"{found.path.name} is written by hand: set auth.secret_key and auth.retired_keys in it")
        given = files.read(found.path)
        read = ProjectConfig.of(of, given, private=found.private)
        now, hours = datetime.now(UTC), timedelta(hours=0 if compromised else grace)
        tree = rotated(given, read, secret=secrets.token_urlsafe(32), now=now, grace=hours)
        ProjectConfig.of(of, tree, private=found.private)
        files.write(place.data, of, tree, private=found.private)
    except ConfigurationError as error:
        raise stop(str(error)) from None
    except OSError as error:
        raise stop(f"{error.filename}: {error.strerror}") from None
    out.print(f"Project [bold]{escape(of)}[/bold] signs with a new key.")
    if compromised:
        out.print("All tokens and links that were out are worth nothing; webhooks that use the key have new secrets.")
    else:
        out.print(f"The old one is taken until {now + hours:%Y-%m-%d %H:%M} UTC.")
