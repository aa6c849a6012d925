"""Does a generator change the expression and keep the person? Judges that it has never met decide."""
