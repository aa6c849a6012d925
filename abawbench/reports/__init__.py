"""One submission, or two, on one page; and what papers need of them."""
