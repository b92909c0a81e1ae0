"""The catalogue as a page: words, facets that can be ticked, a range of prices, an order and pages."""

from __future__ import annotations

from flask import Flask, render_template_string, request

from scrypath_celery import SearchParams

from .models import Book, Session, search

app = Flask(__name__)

PAGE = """
<!doctype html>
<title>Catalogue</title>
<form>
  <input name="q" value="{{ params.q }}">
  <input name="price.gte" value="{{ params.attempted.get('price.gte', [''])[-1] }}" placeholder="from">
  <input name="price.lte" value="{{ params.attempted.get('price.lte', [''])[-1] }}" placeholder="to">
  {% for facet, values in params.facet_filter.items() %}{% for value in values %}
  <input type="hidden" name="{{ facet }}" value="{{ value }}">{% endfor %}{% endfor %}
  <button>Search</button>
</form>
{% for field, error in params.errors.items() %}<p class="error">{{ field }} {{ error }}</p>{% endfor %}
{% for facet, counts in found.facets.items() %}
<h2>{{ facet }}</h2>
<ul>
  {% for value, count in counts.items() %}
  <li><a href="?{{ params.toggled(facet, value).to_query() }}">
    {{ "[x]" if params.is_chosen(facet, value) else "[ ]" }} {{ value }} ({{ count }})</a></li>
  {% endfor %}
</ul>
{% endfor %}
<p>{{ found.total }} books</p>
<ol start="{{ found.offset + 1 }}">
  {% for hit in found.hits %}
  <li>{{ hit.record.title }} by {{ hit.record.author }}, {{ hit.record.price }}</li>
  {% endfor %}
</ol>
{% if found.page < found.pages %}<a href="?{{ params.with_page(found.page + 1).to_query() }}">next</a>{% endif %}
"""


@app.get("/")
def catalogue() -> str:
    """The page that a query string asks for."""
    params = SearchParams.from_query(request.args, search.capabilities(Book), sorts=["price", "title"])
    with Session() as session:
        found = search.search(Book, params.q, session=session, facets=["genre", "author"], **params.options)
        return render_template_string(PAGE, params=params, found=found)
