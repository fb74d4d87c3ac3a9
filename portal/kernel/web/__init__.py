"""Web glue: what stands between a request and its view, and between the view and its answer."""
