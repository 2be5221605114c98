"""One table of the reference study: MGSM accuracy, 7B, single task, mix all4, by k."""

LANGUAGES = ["en", "es", "fr", "ja", "zh", "ar", "ko", "pt"]
K = [0, 100, 200, 400, 800, 1000, 2000, 5000]
TABLE = """
en .50 .56 .54 .51 .54 .57 .55 .56
es .42 .44 .47 .52 .54 .54 .49 .55
fr .24 .43 .43 .47 .45 .45 .48 .47
ja .07 .12 .18 .25 .24 .26 .26 .35
zh .19 .22 .26 .29 .28 .26 .34 .46
ar .01 .02 .06 .10 .09 .10 .13 .17
ko .25 .35 .32 .32 .37 .39 .34 .18
pt .34 .46 .47 .46 .47 .50 .50 .51
"""
# language -> a value for each k
PUBLISHED = {
    row.split()[0]: [float(x) for x in row.split()[1:]] for row in TABLE.strip().splitlines()
}
