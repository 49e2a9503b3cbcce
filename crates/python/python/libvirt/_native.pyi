"""What is written in Rust; the sources beside it say what of it is for whom."""

from typing import Any

def __getattr__(name: str) -> Any: ...
