"""In charge of what is configured, for the server and per project. Must not open databases or decide anything."""

from core.settings.config import ConfigurationError, CorsConfig, DatabaseConfig, ProjectConfig
from core.settings.server import Settings

__all__ = ["ConfigurationError", "CorsConfig", "DatabaseConfig", "ProjectConfig", "Settings"]
