"""Words that the search for names needs."""

from __future__ import annotations


def listed(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


# Parts of names that are no names, and names that are no persons.
PARTICLES = listed("""
    admin administrator agent al and anonymous ben bin bot chat client contact customer da das de del della den
    der di do dos dr du el guest ibn id ifj ii iii ing iv jr la le les mag miss mr mrs ms ne nobody none null of
    operator ozv prof sr st support team test the und undefined unknown user van visitor vom von web website zu
    zur
""")
# Names that are words of English, too: in small letters they are the word.
COMMON = listed("""
    april art august autumn baker ball banks bell best bill bird bishop black bob bond booth brook brooks brown
    bush camp carter case chance chase chip christian church clay close cook cross dale day dean drew duke earl
    east faith field fields ford forest fox frank french frost gene gold good grace grant gray green grey guy
    hall hand harmony heath hill holiday home hope house hunt hunter jack josh joy july june king knight lake
    lance lane lee long love major march mark marsh mason max may melody mercy miles miller moon moss nice nick
    noble north ocean open page park parker pat peace pearl penny pierce pink pope porter potter power price
    prince queen ray reed rice rich river rivers rob robin rock root rose ruby rusty sage sand savage sharp
    shepherd short silver singer sky smith snow south star steel stern stone storm strong sue summer swan taylor
    temple turner victor violet wade walker wall ward water waters weaver wells west white wild wilder will
    winter wise wolf wood woods worth wright young
""")
# Endings that names take: Hungarian cases, the genitive of English and German, Russian cases.
ENDINGS = listed("""
    ba ban be ben bol ert es hez hoz kent nak nal ne nek nel ra re rol s t tol val vel а е ей ем и ова ову ой ом ою
    у ы ым ю я
""")
# Endings that only longer names take: Mark is no part of a market.
LONG_ENDINGS = listed("""
    a ak at e ek em et eva i ig k ka ke ok om ot ov ova ovi u y
""")
