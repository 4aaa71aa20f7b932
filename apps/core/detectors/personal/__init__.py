"""One file per kind of personal data; each has a function that yields hits in bytes of the encoded text."""
