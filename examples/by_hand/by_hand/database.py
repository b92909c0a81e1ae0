"""Sessions of the workers."""

from __future__ import annotations

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from . import config

engine = create_engine(config.DATABASE, pool_pre_ping=True)
Session = sessionmaker(engine)
