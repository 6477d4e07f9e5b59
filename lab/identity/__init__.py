"""Whether a render has the face of the photos, measured on people, dances and photos that nothing was trained on."""
