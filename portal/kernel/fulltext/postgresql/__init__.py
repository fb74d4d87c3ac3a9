"""The search engine on PostgreSQL: its full-text search and `pg_trgm` behind the port."""
