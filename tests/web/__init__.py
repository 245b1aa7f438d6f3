"""What the outside sees: routes, pages and the browser client."""
