"""In charge of lending the world of write tests to the tests of this folder."""

from tests.api.writes.conftest import house, writes_project, writes_url

__all__ = ["house", "writes_project", "writes_url"]
