"""The pages: shells that load the bundles of web/; everything on them comes over the public API."""
