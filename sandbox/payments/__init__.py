"""A payment gateway of the shape of Stripe, which loses answers and repeats itself on request."""
