"""The database: everything that knows there are two kinds of it lives in this folder."""
