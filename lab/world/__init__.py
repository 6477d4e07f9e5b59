"""The made-up world that the tiny model learns: people, dances, rooms and photos, with everything that is known of them."""
