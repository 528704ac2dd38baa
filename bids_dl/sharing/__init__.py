"""Documents that a store carries for others: card, citation, licence, Croissant description."""
