"""Statistics of transfer studies: pure functions on arrays, one noun a file.

Languages are fixed effects: every interval here speaks about new items and new trainings,
never about new languages. What cannot be said is refused (``Refused``), not approximated.
"""
