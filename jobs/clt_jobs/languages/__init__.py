"""In what language a text is: what can be told of an answer, and what cannot."""
