"""A Sphinx extension that takes a wrong ARIA role off the bibliography.

docutils marks it as a list, but not its entries as items of a list, and screen readers then announce an empty
one.
"""

WRONG = '<div role="list" class="citation-list">'
RIGHT = '<div class="citation-list">'


def mend(app, pagename, templatename, context, doctree):
    context["body"] = context.get("body", "").replace(WRONG, RIGHT)


def setup(app):
    app.connect("html-page-context", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
