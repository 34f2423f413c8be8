"""In charge of the empty read-only mapping that frozen data uses as default. Nothing else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

EMPTY: Mapping[Any, Any] = MappingProxyType({})
