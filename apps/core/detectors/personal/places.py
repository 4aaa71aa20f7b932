"""Coordinates, and postal addresses as the larger countries write them. One without a number or a code is not found."""

from __future__ import annotations

from collections.abc import Iterator

from apps.core.detectors.detection import Hit
from apps.core.detectors.patterns import EncodedText, Pattern
from apps.core.detectors.personal import street_forms

_LATITUDE = r"[+\-−]?(?:90(?:\.0+)?|[0-8]?\d\.\d{{{least},15}})"
_LONGITUDE = r"[+\-−]?(?:180(?:\.0+)?|(?:1[0-7]\d|\d{{1,2}})\.\d{{{least},15}})"


def _pair(least: int, between: str) -> str:
    return _LATITUDE.format(least=least) + between + _LONGITUDE.format(least=least)


_PLAIN_PAIR = Pattern(rf"\b?({_pair(4, r'(?: ?°? ?[NS])?(?:, ?|; ?)')}(?: ?°? ?[EW])?)")
_NAMED_PAIR = Pattern(
    rf"(?:\b(?:gps|coordinates?|coords?|lat(?:itude)?(?:[ /,]{{1,3}}(?:lon|lng|long)(?:gitude)?)?|location"
    rf"|position|geo)\b|geo:)"
    rf"[^\d\n+\-−]{{0,20}}({_pair(2, r'(?: ?°? ?[NS])?(?:,|%2C|;| )[ ]?')}(?: ?°? ?[EW]\b)?)",
    ignore_case=True,
)
_NAMED_PARTS = Pattern(
    r"\blat(?:itude)?[\"'\\]{0,3}\s{0,2}[:=]?\s{0,2}[\"'\\]{0,2}([+\-−]?\d{1,2}\.\d{2,15}[^\n\d]{1,20}?\b"
    r"(?:lon|lng|long)(?:gitude)?[\"'\\]{0,3}\s{0,2}[:=]?\s{0,2}[\"'\\]{0,2}[+\-−]?\d{1,3}\.\d{2,15})",
    ignore_case=True,
)
_DEGREES = Pattern(
    r"\b\d{1,2} ?[°º] ?(?:\d{1,2}(?:\.\d+)? ?['′’] ?(?:\d{1,2}(?:\.\d+)? ?(?:[\"″”]|''"
    r"|′′))?)? ?[NSns],?;? {0,2}\d{1,3} ?[°º] ?"
    r"(?:\d{1,2}(?:\.\d+)? ?['′’] ?(?:\d{1,2}(?:\.\d+)? ?(?:[\"″”]|''|′′))?)? ?[EWOewo]\b"
    r"|\b\d{1,2}\.\d{2,10} ?[°º] ?[NSns],?;? {0,2}\d{1,3}\.\d{2,10} ?[°º] ?[EWOewo]\b"
)
_MORE_NUMBERS = Pattern(r"^(?:[0-9%]|,? ?[+\-]?\d+\.\d)")

_STATE = (
    r"(?:A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]"
    r"|UT|V[AT]|W[AIVY]|Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida"
    r"|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts"
    r"|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New (?:Hampshire|Jersey|Mexico|York)"
    r"|(?:North|South) (?:Carolina|Dakota)|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|Tennessee|Texas"
    r"|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming)"
)
_STREET_KIND = (
    r"(?:Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace"
    r"|Ter|Way|Parkway|Pkwy|Circle|Cir|Highway|Hwy|Trail|Trl|Crescent|Cres|Close|Gardens|Gdns|Grove|Mews|Row"
    r"|Hill|Walk|Green|Park|Loop|Plaza|Alley|Broadway|Rise|Quay|Wharf)"
)
_NAME_WORD = r"(?:[A-Z0-9][\w'’.\-]{0,24})"
_HOUSE = (
    r"(?:(?i:flat|apt|apartment|unit|suite) ?[0-9A-Z]{1,5},? )?\d{1,6}[A-Za-z]?(?:[\-–/]\d{1,5}[A-Za-z]?)?"
)
_STREET_LINE = (
    rf"{_HOUSE},? (?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East"
    rf"|West)\.? )?(?:{_NAME_WORD} ){{1,4}}{_STREET_KIND}\b\.?"
    r"(?: (?:N|S|E|W|NE|NW|SE|SW)\b)?"
)
_UNIT = r"(?:,? ?(?:(?i:apt|apartment|unit|suite|ste|floor|fl|rm|room|#)\.? ?#?[0-9A-Za-z\-]{1,6}))?"
_ZIP = r"\d{5}(?:-\d{4})?\b"
_UK_CODE = (
    r"(?:GIR ?0AA|(?:[A-PR-UWYZ][0-9]{1,2}|[A-PR-UWYZ][A-HK-Y][0-9]{1,2}|[A-PR-UWYZ][0-9][A-HJKPSTUW]"
    r"|[A-PR-UWYZ][A-HK-Y][0-9][ABEHMNPRVWXY])"
    r" ?[0-9][ABD-HJLNP-UW-Z]{2})\b"
)
_GERMAN_STREET = (
    r"(?:[A-ZÄÖÜ][\wäöüß\-]{1,30}(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|stieg|chaussee"
    r"|markt|berg|hof)|(?:[A-ZÄÖÜ][\wäöüß\-]{1,30}[ \-]){1,3}(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse"
    r"|Ring|Damm|Ufer)|(?:Am|An der|Im|In der|Auf der|Auf dem|Zum|Zur|Unter den"
    r"|Unter der) [A-ZÄÖÜ][\wäöüß\-]{1,30}) ?\d{1,4} ?[a-z]?(?:[\-–/] ?\d{1,4})?\b"
)
_FRENCH_STREET = (
    r"\d{1,4} ?(?:bis|ter|quater|[A-D])?,? (?i:rue|avenue|av\.|boulevard|bd|bld|place|pl\.|chemin|impasse"
    r"|allée|allee|quai|route|cours|square|passage|villa|sentier|faubourg|rond-point)(?: (?i:de la|de l['’]"
    r"|des|du|de|d['’]|la|le|les|l['’]))?(?: [\wÀ-ÿ'’\-]{1,25}){1,5}"
)
_TOWN = r"[\p{L}][\p{L}'’.\-]{1,30}(?: [\p{L}][\p{L}'’.\-]{1,30}){0,3}"

_DOOR = rf"(?:{_STREET_LINE}|(?i:p\.? ?o\.? box) \d{{1,7}}){_UNIT},?\s{{1,3}}"

_FULL: tuple[tuple[Pattern, str], ...] = (
    (Pattern(rf"\b{_DOOR}{_TOWN},?\s{{1,2}}{_STATE}\.?,?\s{{1,2}}{_ZIP}"), "US"),
    (Pattern(rf"\b{_DOOR}(?:{_TOWN},?\s{{1,3}}){{0,3}}?{_UK_CODE}"), "UK"),
    (Pattern(rf"\b{_GERMAN_STREET},?\s{{1,3}}(?:(?:D|DE|A|CH)[ \-])?\d{{4,5}}\s{_TOWN}"), "DE"),
    (Pattern(rf"\b{_FRENCH_STREET},?\s{{0,3}}(?:F-)?\d{{5}}\s{_TOWN}"), "FR"),
)
_PARTIAL = Pattern(rf"\b(?:{_STREET_LINE}{_UNIT}|{_GERMAN_STREET}|{_FRENCH_STREET}|{_UK_CODE})")
# A German street's name ends in the word for street and needs no sentence around it.
_UNMISTAKABLE = Pattern(r"\b[A-ZÄÖÜ][\wäöüß\-]{2,30}(?:straße|strasse|str\.) ?\d{1,4} ?[a-z]?\b")
_LIVING = Pattern(
    r"(?:\b(?:address(?:es)?|live[sd]?|living|reside[sd]?|residence|moved?|moving|home|house|ship(?:ped"
    r"|ping)?|deliver(?:ed|y)?|mail(?:ed|ing)?|send|sent|billing|located|stay(?:ing)?|post ?code|zip|wohn\w*"
    r"|adresse|anschrift|lieferadresse|lieferung|zieh\w*|umgezogen|habite|demeure|livr\w+|domicil\w*|vivo|viv[eo]s?"
    r"|direcci|entreg\w+|env[ií]\w+|mud\w+|woon\w*|verhuis\w*|adres\w*|bezorg\w*|abit\w+|residen\w*|indirizzo"
    r"|consegn\w+|moro|mora|morada|endere\w*|mieszka\w*|bor|adress\w*|osoite)[^\n]{0,40}?)$",
    ignore_case=True,
)
_STREET_START = Pattern(
    r"\d{1,6}[A-Za-z]?[ ,]|(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|ring|damm|ufer) ?\d"
    r"|[A-Z]{1,2}\d[0-9A-Z]? ?\d[A-Z]{2}"
)


def find_coordinates(text: EncodedText) -> Iterator[Hit]:
    if text.digits < 4:
        return
    for pattern in (_NAMED_PARTS, _DEGREES, _NAMED_PAIR):
        for start, end in pattern.values(text.data):
            if not _MORE_NUMBERS.occurs_in(text.after(end, 8)):
                yield Hit("coordinates", start, end, "Coordinates of a place")
    yield from _find_plain_pairs(text)


def _find_plain_pairs(text: EncodedText) -> Iterator[Hit]:
    """Two numbers that could be a place: exact to ten metres, and not the start or the middle of a list."""
    if text.data.count(b".") < 2:
        return
    for start, end in _PLAIN_PAIR.values(text.data):
        before = text.before(start, 3)
        in_list = (
            before.rstrip().endswith((b",", b"["))
            or before[-1:].isalnum()
            or before[-1:] in (b".", b"$", b"-")
        )
        if in_list or _MORE_NUMBERS.occurs_in(text.after(end, 8)):
            continue
        numbers = [
            abs(float(part))
            for part in text.value(start, end).replace("−", "-").translate(_NOT_NUMERIC).split()
        ]
        if max(numbers) >= 10:
            yield Hit("coordinates", start, end, "Coordinates of a place")


_NOT_NUMERIC = str.maketrans(dict.fromkeys(",;°NSEW", " "))


def find_addresses(text: EncodedText) -> Iterator[Hit]:
    if not text.digits:
        return
    if street_forms.WORDS.occurs_in(text.data):
        yield from _find_by_street_word(text)
    if not _STREET_START.occurs_in(text.data):
        return
    for pattern, country in _FULL:
        for start, end in pattern.values(text.data):
            yield Hit("postal-address", start, end, f"Postal address ({country})")
    for start, end in _UNMISTAKABLE.values(text.data):
        yield Hit("postal-address", start, end, "Postal address (DE)")
    for start, end in _PARTIAL.values(text.data):
        if _LIVING.occurs_in(text.before(start, 60)):
            yield Hit("postal-address", start, end, "Postal address")


def _find_by_street_word(text: EncodedText) -> Iterator[Hit]:
    for pattern, country in street_forms.FULL:
        for start, end in pattern.values(text.data):
            yield Hit("postal-address", start, end, f"Postal address ({country})")
    for street in street_forms.PARTIAL:
        for start, end in street.values(text.data):
            if _LIVING.occurs_in(text.before(start, 60)):
                yield Hit("postal-address", start, end, "Postal address")
