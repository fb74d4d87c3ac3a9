"""The authoring format of the demo's records, and the making of synthetic ones."""
