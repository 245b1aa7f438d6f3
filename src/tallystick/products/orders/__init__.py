"""Orders: what the catalogue sells, with coupons, licences and access."""
