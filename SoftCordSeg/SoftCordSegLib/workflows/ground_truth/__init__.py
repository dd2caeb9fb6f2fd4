"""Images prepared, soft ground truths made of them."""
