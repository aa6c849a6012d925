"""Where it comes from: pictures, faces, videos, clips, labels of data sets, a synthetic corpus."""
