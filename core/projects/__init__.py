"""In charge of the projects of this server: each its own database, configuration, snapshot and policies."""

from core.projects.creation import NewProject
from core.projects.project import Project
from core.projects.registry import Projects

__all__ = ["NewProject", "Project", "Projects"]
