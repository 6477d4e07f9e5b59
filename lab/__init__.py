"""How the tiny model was made, and how choices were measured. The product never imports it."""
