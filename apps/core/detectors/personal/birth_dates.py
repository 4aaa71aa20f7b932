"""Dates of birth: a date with a word that says so."""

from __future__ import annotations

from collections.abc import Iterator

from apps.core.detectors.detection import Hit
from apps.core.detectors.patterns import EncodedText, Pattern

_MONTH = (
    r"(?:jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|f[ée]v(?:rier)?|mar(?:ch|s|zo)?|m[äa]rz|apr(?:il|ile)?"
    r"|avr(?:il)?|abr(?:il)?|ma[yi]|mayo|jun[ei]?|juin|jul[yi]?|juil(?:let)?|aug(?:ust)?|ago(?:sto)?|ao[ûu]t"
    r"|sep(?:t(?:ember|embre|iembre)?)?|o[ck]t(?:ober|obre|ubre)?|nov(?:ember|embre|iembre)?|de[cz](?:ember)?"
    r"|d[ée]c(?:embre)?|dic(?:iembre|embre)?|enero|ene|janeiro|gennaio|luglio|giugno)"
)
_DATE = (
    rf"(?:(?:[12]\d|3[01]|0?[1-9])[./\- ](?:[12]\d|3[01]|0?[1-9])[./\- ](?:(?:18|19|20)\d{{2}}|\d{{2}}\b)"
    rf"|(?:18|19|20)\d{{2}}[./\-](?:1[0-2]|0?[1-9])[./\-](?:[12]\d|3[01]|0?[1-9])"
    rf"|(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th|er|\.|º)?[ \-]{{1,2}}(?:of "
    rf"|de )?{_MONTH}\.?,?[ \-]{{1,2}}(?:de |del )?'?(?:(?:18|19|20)\d{{2}}|\d{{2}}\b)"
    rf"|{_MONTH}\.? (?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?,? (?:18|19|20)\d{{2}}"
    rf"|(?:19|20)\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\b|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]"
    rf"|1[0-2])(?:19|20)\d{{2}}\b)"
)
_CUE = (
    r"(?:\bd\.? ?o\.? ?b\b\.?|date[ _\-]of[ _\-]birth|birth[ _\-]?date|\bborn\b|geburtsdatum|geboren|\bgeb\."
    r"|date de naissance|\bné(?:e|\(e\))? (?:le|à|en|au)\b|fecha de nacimiento|\bnacid[oa]\b|data di nascita"
    r"|\bnat[oa] (?:il|a|ad|in|nel)\b|\bnac(?:ió|iste|í) |\bfödd\b|\bfødt\b|fødselsdato|syntynyt|syntymäaika"
    r"|urodził|doğum tarihi|дата рождения|родил|data de nascimento|\bnascid[oa]\b"
    r"|geboortedatum|födelsedatum|data urodzenia|urodzon[ya]|生年月日|出生日期)"
)
# "Birthday card, ordered 12/03/24": after this word only the date itself counts.
_DAY_CUE = r"(?:\bbirth[ _\-]?days?\b|\bb-?day\b|\bgeburtstag\b)"
_BORN = Pattern(rf"{_CUE}[^\d\n]{{0,40}}?\b({_DATE})", ignore_case=True)
_DAY = Pattern(
    rf"{_DAY_CUE}(?:[\s:=,’'\-]|\b(?:is|was|on|am|ist|s|the|falls)\b){{0,10}}({_DATE})", ignore_case=True
)
_BEFORE_CUE = Pattern(rf"\b({_DATE}) (?:in [^\n\d]{{1,30}} )?(?:geboren|born)\b", ignore_case=True)
_CUE_WORD = Pattern(f"{_CUE}|{_DAY_CUE}", ignore_case=True)


def find(text: EncodedText) -> Iterator[Hit]:
    if text.digits < 3 or not _CUE_WORD.occurs_in(text.data):
        return
    for pattern in (_BORN, _DAY, _BEFORE_CUE):
        for start, end in pattern.values(text.data):
            yield Hit("date-of-birth", start, end, "Date of birth")
