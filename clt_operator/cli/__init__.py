"""cltctl: one file per verb. Standard output is data, standard error is talk.

Exit codes: 0 done; 1 a failure; 2 a wrong spec or command line; 130 interrupted. Modules here
import little at the top: the help must answer at once.
"""
