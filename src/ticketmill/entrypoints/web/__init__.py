"""The API and the page over HTTP: a thin translator in front of `queries` and `operations`."""
