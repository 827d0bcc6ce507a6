"""HTTP as every domain uses it: middleware, problems, dependencies."""
