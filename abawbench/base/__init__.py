"""What every room stands on: problems and their rules, atomic files, the lock of a run, hashes, read-ahead, Ray."""
