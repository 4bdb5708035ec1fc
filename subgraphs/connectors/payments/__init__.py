"""A payment gateway of the shape of Stripe: https://docs.stripe.com/api/payment_intents"""
