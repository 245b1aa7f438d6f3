"""A made-up product, a donation with a certificate, added as docs/adding-a-product.md says."""
