"""What became of accepted responses, as `stories.toml` has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DemoStory:
    """What became of an accepted response; data/stories.toml says the fields."""

    organization: str
    request: str
    partner: str
    messages: Sequence[tuple[str, str]]
    introduction: Mapping[str, Any]
    agreement: Mapping[str, Any]
