"""How more countries write a street, a number, a postal code and a town.

The full form needs no sentence around it. A street and a number alone count only where somebody lives or has
something sent.
"""

from __future__ import annotations

from apps.core.detectors.patterns import Pattern

# Few characters are named one by one: a class such as \p{L} makes an automaton of megabytes here.
_BIG = r"[A-ZÀ-ÞŁŚŻĆŠŽČŐ]"
_LETTERS = r"[^\s,;:\d()\"]"
_LINK = r"(?:de|del|della|delle|dei|degli|di|da|do|das|dos|la|las|los|el|le|les|du|des|van|den|der|het)"
_NAME = (
    rf"(?:(?:{_LINK} |[dDlL]['’]){{0,3}}(?:{_BIG}|\d{{1,2}} ){_LETTERS}*)"
    rf"(?: (?:{_LINK} |[dl]['’])*{_BIG}{_LETTERS}*){{0,4}}"
)
_TOWN = rf"{_BIG}{_LETTERS}+(?: {_BIG}{_LETTERS}*){{0,3}}"
_NUMBER = r"(?:(?i:n|núm|nr)[º°o.]{0,2} ?)?\d{1,5} ?[A-Za-z]?(?:[\-/ ](?:\d{1,4}|[A-Z]{1,3}|hs|bis|ter)\b)?"
# "3º B", "2ºA", "escalera 1", "int. 4", "bus 3": the flat.
_FLAT = (
    r"(?:,? (?:\d{1,2} ?[ºª°.]{1,2} ?[A-Za-z]{0,4}"
    r"|(?i:esc|piso|puerta|planta|int|scala|apt|apto|bus|bte|lok|m)\.? ?[\dA-Z]{1,4})){0,3}"
)
_BREAK = r"(?:,\s*|\s+|\s?[–-]\s?)"

_DUTCH = (
    rf"(?:{_BIG}{_LETTERS}*(?:straat|laan|gracht|kade|plein|weg|dreef|singel|hof|dijk|steeg|markt|pad|baan"
    rf"|haven|burgwal)|{_NAME} (?:Straat|Laan|Gracht|Kade|Plein|Weg|Singel|Dijk|Markt))"
)
_SPANISH = (
    r"(?:(?i:calle|avenida|avda|paseo|plaza|pza|camino|carretera|ronda|travesía|rambla)\b\.?|C/|Av\.)"
    rf" ?{_NAME}"
)
_ITALIAN = rf"(?i:via|viale|piazza|piazzale|corso|largo|vicolo|strada|lungotevere|contrada)\b {_NAME}"
_PORTUGUESE = rf"(?:(?i:rua|avenida|praça|travessa|alameda|estrada|largo|rodovia)\b|R\.|Av\.) {_NAME}"
_POLISH = rf"(?i:ul|al|os|pl|aleja|aleje|ulica|osiedle|plac)\b\.? ?{_NAME}"
_NORDIC = (
    rf"{_BIG}{_LETTERS}*(?:gatan|vägen|gränd|stigen|gade|vej|allé|plads|stræde|gata|veien|vegen|katu|tie)"
)
_FRENCH = rf"(?i:rue|avenue|av\.|boulevard|bd|place|chaussée|quai|chemin|route|drève|clos) {_NAME}"
_LINE = r"\d{1,6}[A-Za-z]?(?:[/\-]\d{1,5})? [^\n,;\d]{2,40}(?:,? #?\d{1,5}[A-Z]?)?"
_PROVINCE = (
    r"(?:ON|QC|BC|AB|MB|SK|NS|NB|NL|PE|YT|NT|NU|Ontario|Qu[ée]bec|British Columbia|Alberta|Manitoba"
    r"|Saskatchewan|Nova Scotia)"
)
_AUSTRALIAN_STATE = (
    r"(?:NSW|VIC|Vic|QLD|Qld|WA|SA|TAS|Tas|ACT|NT|New South Wales|Victoria|Queensland|Tasmania)"
)

FULL: tuple[tuple[Pattern, str], ...] = (
    (
        Pattern(rf"(?:{_DUTCH}|\b{_NAME}) {_NUMBER}{_BREAK}(?:NL-)?[1-9]\d{{3}} ?[A-Z]{{2}}\b(?: {_TOWN})?"),
        "NL",
    ),
    (Pattern(rf"\b{_SPANISH},? {_NUMBER}{_FLAT}{_BREAK}(?:E-)?[0-5]\d{{4}},?\s{_TOWN}"), "ES"),
    (Pattern(rf"\b{_ITALIAN},? {_NUMBER}{_FLAT}{_BREAK}(?:I-)?\d{{5}},?\s{_TOWN}"), "IT"),
    (Pattern(rf"\b{_PORTUGUESE},? {_NUMBER}{_FLAT}{_BREAK}[^\n\d]{{0,40}}\d{{4,5}}-\d{{3}}\b"), "PT or BR"),
    (Pattern(rf"\b{_POLISH} {_NUMBER}{_FLAT}{_BREAK}\d{{2}}-\d{{3}}\s{_TOWN}"), "PL"),
    (
        Pattern(rf"{_NORDIC} {_NUMBER}{_FLAT}{_BREAK}(?:(?:S|DK|N|FI)-)?\d{{3,5}} ?(?:\d\d)?\s{_TOWN}"),
        "Nordic",
    ),
    (
        Pattern(rf"\b(?:{_FRENCH}|{_DUTCH}) {_NUMBER}{_FLAT}{_BREAK}(?:(?:B|CH|L)-)?[1-9]\d{{3}}\s{_TOWN}"),
        "BE or CH",
    ),
    (
        Pattern(
            rf"\b{_LINE}{_BREAK}[^\n\d]{{0,60}}\(?\b{_PROVINCE}\)?,?\s{{1,3}}[A-CEGHJ-NPR-TVXY]\d[A-Z][ \-]?\d[A-Z]\d\b"
        ),
        "CA",
    ),
    (Pattern(rf"\b{_LINE}{_BREAK}[^\n\d]{{0,40}}\b{_AUSTRALIAN_STATE},?\s{{1,3}}\d{{4}}\b"), "AU"),
)
PARTIAL = tuple(
    Pattern(rf"(?:{street}),? {_NUMBER}")
    for street in (_DUTCH, rf"\b{_SPANISH}", rf"\b{_ITALIAN}", rf"\b{_PORTUGUESE}", rf"\b{_POLISH}", _NORDIC)
)
# One of these stands in every form above: a word for street, a province or a state, a Dutch or a Polish code.
WORDS = Pattern(
    r"straat|laan|gracht|kade|plein|weg\b|dreef|singel|dijk|steeg|burgwal|calle|\bc/|avenida|avda|\bav\.|paseo"
    r"|plaza|camino|carretera|ronda|rambla|\bvia\b|viale|piazza|corso|largo|vicolo|\brua\b|praça|travessa"
    r"|alameda|estrada|rodovia|\bul\.|\bal\.|\bos\.|\bpl\.|ulica|gatan|vägen|gade\b|vej\b|gata\b|veien|vegen"
    r"|katu\b|\brue\b|avenue|boulevard|chaussée|place|quai|chemin|route"
    r"|\b(?-i:ON|QC|BC|AB|MB|SK|NS|NB|PE|NSW|VIC|QLD|WA|SA|TAS|ACT|NT)\b|\b[1-9]\d{3} ?(?-i:[A-Z]{2})\b",
    ignore_case=True,
)
