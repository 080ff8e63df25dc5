"""The studio: a page in the browser, served on this machine, that shows and makes all that the library does.

`app.build` gives it as an ASGI application; `serve.serve` runs it. One idea a file, one tab a file. The page itself
stands in `static/`, as plain modules that a browser runs: nothing is built, and nothing comes from elsewhere.
"""
