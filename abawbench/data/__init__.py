"""Where it comes from: pictures, faces, clips, synthetic labels."""
