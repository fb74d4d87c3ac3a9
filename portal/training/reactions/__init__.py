"""What follows events: e-mail to those who take part, places that move along, open gates."""
