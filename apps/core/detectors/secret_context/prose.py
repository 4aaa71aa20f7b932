"""Words that follow "the password is" or "password:" in sentences about passwords."""

from __future__ import annotations

# Endings of participles and adjectives: "expired", "resetting", "guessable", "suspicious".
_ENDINGS = (
    "ed",
    "ing",
    "able",
    "ible",
    "less",
    "ous",
    "ful",
    "ive",
    "ent",
    "ary",
    "ory",
    "ly",
    "tion",
    "ment",
    "ness",
    "ten",
)

_WORD_LIST = """
wrong incorrect invalid valid correct right good bad weak strong secure insecure safe unsafe unknown known
missing empty blank hidden lost gone stolen broken forgotten old new different same similar unique
temporary permanent private public secret personal optional mandatory necessary complex simple easy hard
difficult long short longer shorter shown sent stored saved kept set reset changed locked blocked needed
case-sensitive plain plaintext cleartext clear okay fine ready available visible still always never only
just also not no yes that this the those these what which when where while because being between about
above below after before again already almost really very quite too your yours mine his her hers our ours
their theirs its and but then than from into onto with without within something anything nothing
everything someone anyone somewhere here there now later soon today tomorrow yesterday please must should
could would will can may might shall cannot does doing done have having been either important confidential
sensitive compromised leaked exposed stuck expired expiring required default standard enough fresh random
generic common obvious useless worthless null undefined string policy manager field login account email
phone enter click contact forgot request support update change create choose confirm verify user
admin-only stronger weaker better worse at least minimum maximum min max characters digits letters words
first second last next previous current for per via see check ask use used using try refer read look type
write insert protected alphanumeric numeric lowercase uppercase mixed any all none both each every other
another falsch richtig ungültig abgelaufen erforderlich vergessen notwendig geheim incorrecta correcta
olvidada requerida expiré oublié obligatoire requis nécessaire
verlopen vergeten onjuist ongeldig verkeerd veranderd gewijzigd nodig verplicht zwak sterk kwijt weg niet geldig
scaduta scaduto errata errato sbagliata dimenticata corretta obbligatoria debole sicura persa cambiata stata
caducada caducado cambiada bloqueada equivocada inválida insegura débil perdida demasiado obligatoria
expirada expirou esquecida incorreta errada obrigatória fraca trocada válida
périmé erroné invalide faible changé perdu trop vide
gesperrt veraltet unsicher schwach verloren geändert zurückgesetzt nötig korrekt leider nicht noch schon immer
wygasło nieprawidłowe błędne wymagane słabe felaktigt ogiltigt glömt nodvändigt fel forkert udløbet ugyldig
nesprávné špatné vypršelo неверный истёк устарел забыт
"""
_WORDS = frozenset(_WORD_LIST.split())


def is_ordinary(word: str) -> bool:
    """Whether a word of letters alone is likelier a remark about a password than the password."""
    lowered = word.lower()
    return lowered in _WORDS or lowered.endswith(_ENDINGS)
