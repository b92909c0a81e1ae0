"""The records that are searched, and the document of each."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All tables."""


class Item(Base):
    """What is searched."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]

    def document(self) -> dict[str, Any]:
        """What the index holds for it."""
        return {"id": self.id, "version": self.version}
