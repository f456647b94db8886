"""Everything that is not a table and not a page: rules, models, the worker."""
