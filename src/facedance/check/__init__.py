"""What is looked at before hours are spent: photos, clips with their skeletons, and what will be trained and rendered."""
