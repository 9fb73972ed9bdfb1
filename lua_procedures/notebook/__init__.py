"""IPython only: magics, forms, the panel and the record."""
