"""Full stops that end no sentence: abbreviations and ordinals of nine languages."""

from __future__ import annotations

BEFORE_A_WORD = {
    "en": "mr mrs ms mx dr prof st hon capt lt messrs e.g eg i.e ie viz vs approx appr incl excl resp attn"
    " dept",
    "de": "hr hrn frl dipl z.hd zhd z.b zb d.h dh i.d.r z.t u.a s.o s.u so.g sog bzw bspw evtl ggf inkl"
    " exkl zzgl abzgl ca vgl insb insbes max kd bestell bez betr v.a z.z ust str.nr tel telef",
    "fr": "mm mme mmes mlle mgr p.ex c.-à-d réf tél env. bld boul ste",
    "es": "sr sra srta sres d.ª dña lic arq excmo excma ud uds p.ej ej aprox dpto avda tfno cód",
    "pt": "drª dra srª exmo exma exmos exmas ilmo ilma eng.º telef tlm ex.ª depto v.exa",
    "it": "sig sigg sig.ra sig.na dott dott.ssa ing avv geom spett egr gent ad.es p.es rif pagg",
    "nl": "dhr mevr mw drs bijv bv d.w.z m.b.t m.a.w o.a i.v.m t.a.v t.n.v n.a.v",
    "da": "frk f.eks feks bl.a dvs ift vedr pga mht vha o.g ekskl tlf",
    "pl": "inż np tzn tzw m.in ul godz dot prof.dr",
}
"""A sentence never ends after them."""

BEFORE_A_NUMBER = {
    "en": "no nos art fig figs pp sec sect ch vol ver rev ref pt ext item apt rm bldg"
    " jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat",
    "de": "nr abs ziff kap jän mär mrz okt dez min mio",
    "fr": "n° no° janv févr avr juil déc",
    "es": "núm nro n.º nº pág págs ene abr ago dic",
    "pt": "n.ª num fev dez",
    "it": "num pag gen giu lug ott",
    "nl": "mrt blz",
    "da": "stk",
    "pl": "sty kwi cze lip sie wrz paź lis gru str poz pkt",
}
"""A sentence does not end between them and a number: "Feb. 3", "no. 4711"."""

BEFORE_THE_REST = {
    "en": "etc a.m p.m ave blvd rd sq hwy jr sr inc ltd co corp llc plc dept hrs hr mins secs lbs oz u.s"
    " u.k u.s.a est",
    "de": "usw u.s.w o.ä u.ä o.k str std tsd mrd gmbh e.v e.k p.a p.s mwst",
    "fr": "av ex s.a s.a.r.l",
    "es": "s.l p.d q.b etc",
    "pt": "lda s.a",
    "it": "ecc s.r.l s.p.a sez",
    "nl": "enz b.v n.v e.d a.u.b",
    "da": "osv m.m m.v mv a/s aps kl d.d",
    "pl": "itd itp zł gr szt tys mln sp z.o.o r",
}
"""They may end a sentence, but not before a lower-case word or a number."""

MONTHS = (
    "januar februar märz maerz marts april mai maj juni juli august september oktober november dezember"
    " december jänner feber jan feb mär apr jun jul aug sep okt nov dez"
)
"""Of the languages that write the day of a date as an ordinal: "3. März"."""

BEFORE_AN_ORDINAL = (
    "der die das den dem des am im zum zur vom beim ab bis seit vor nach jeder jede jedes ein einen eine"
    " unser unsere mein meine ihr ihre d det fra til kl"
)
"""Words of German and Danish after which a number with a full stop is an ordinal."""


_MONTHS = frozenset(MONTHS.split())
_BEFORE_AN_ORDINAL = frozenset(BEFORE_AN_ORDINAL.split())


def _all(table: dict[str, str]) -> frozenset[str]:
    return frozenset(" ".join(table.values()).split())


_BEFORE_A_WORD = _all(BEFORE_A_WORD)
_WITHIN = _BEFORE_A_WORD | _all(BEFORE_A_NUMBER) | _all(BEFORE_THE_REST)


def ends_sentence(word: str, before: str, following: str, *, capitals: bool) -> bool:
    """Whether the full stop after `word` ends a sentence.

    `before` and `following` are the words around it. `capitals` says that the text begins its sentences with
    capital letters, so that a lower-case word goes on.
    """
    last = word.lower()
    tail = last.rpartition("-")[2]
    if last in _BEFORE_A_WORD or tail in _BEFORE_A_WORD or (len(last) == 1 and last.isalpha()):
        return False
    first = following[:1]
    if first.isdigit():
        return not (tail in _WITHIN or tail.endswith(("str", "nr")) or _is_ordinal(last))
    if first.islower():
        return not (capitals or tail in _WITHIN or _is_ordinal(last))
    if tail.endswith("nr"):
        return False
    if _is_ordinal(last):
        return following.lower() not in _MONTHS and before.lower() not in _BEFORE_AN_ORDINAL
    return True


def _is_ordinal(word: str) -> bool:
    return len(word) <= 2 and word.isdigit()
