"""What stands around a number: whether it is part of something longer, and what the sentence calls it."""

from __future__ import annotations

from apps.core.detectors.patterns import EncodedText, Pattern

# As far as a label can stand from its number: "the reference of my second order was: ".
LABEL_WIDTH = 40

_OTHER_LABEL = Pattern(
    r"\b(?:orders?|purchase|invoices?|inv|references?|refs?|tickets?|cases?|tracking|shipments?|parcels?"
    r"|packages?|sku|isbn|issn|doi|parts?|serial|model|batch|lot|po|rma|bookings?|reservations?|confirmation"
    r"|transactions?|txn|trx|flight|build|versions?|release|commit|job|items?|products?|articles?|polic(?:y"
    r"|ies)|claims?|quotes?|quotation|contracts?|assets?|barcodes?|ean|upc|gtin|imei|iccid|meter|errors?"
    r"|membership|loyalty|rewards?|vouchers?|coupons?|gift card|receipts?|requests?|bugs?|issues?|pid|uid"
    r"|events?|row|page|section|chapter|clause|paragraph|customers?|users?|employees?|students?|docket|vin"
    r"|engine|patent|register|catalog(?:ue)?|bestellung|bestell(?:ung)?s?nummer|rechnungs?(?:nummer)?"
    r"|kundennummer|sendungs?(?:nummer)?|vorgangs?nummer|auftrags?nummer|commande|facture|suivi|pedido"
    r"|factura|ordine|fattura|zip|plu|accounts?|acct|a/c|kontonummer|compte|cuenta|awb|cusip|isin|siret|siren"
    r"|ein|vat|ust-?id|hs code|npi|dea|cas|nsn|mpn|asin|meeting id|conference id|zoom|code)(?:[ _\-]?(?:no|nr"
    r"|num(?:ber)?s?|ids?|refs?|references?|codes?|nummer|numéro|número))?\.?\s{0,2}(?:is|was|are|=|:|#|№|n°"
    r"|-|–|/|\()?\s{0,2}[#:\-]?\s{0,2}$",
    ignore_case=True,
)
_JOINED_BEFORE = Pattern(r"(?:[0-9A-Za-z_@#&~]|[A-Za-z0-9][\-/.:+=]|[$€£¥]\s?|[^\x00-\x7f]\p{L})$")
_JOINED_AFTER = Pattern(r"^(?:[0-9A-Za-z_@]|[\-/:+=][0-9A-Za-z]|\.[0-9]|,[0-9]{3}\b|\s?[%€£¥$])")


def is_joined(text: EncodedText, start: int, end: int) -> bool:
    """Whether the number is a piece of a longer word, code, address or amount: ``INV-2024-0001``, ``1.2.3.4.5``."""
    before = text.before(start, 4)
    if before and _JOINED_BEFORE.occurs_in(before) and not _ends_field_name(before):
        return True
    return _JOINED_AFTER.occurs_in(text.after(end, 5))


def _ends_field_name(before: bytes) -> bool:
    """``phone:5551234`` and ``ssn=078…`` name the number; they do not make it longer."""
    return before[-1:] in (b":", b"=") and before[-2:-1].isalpha()


def is_labelled_otherwise(text: EncodedText, start: int) -> bool:
    """Whether the words before call it an order, an invoice, a version: something that belongs to no person."""
    return _OTHER_LABEL.occurs_in(text.before(start, LABEL_WIDTH))


def names_before(cue: Pattern, text: EncodedText, start: int, width: int = LABEL_WIDTH) -> bool:
    """Whether ``cue`` stands within ``width`` bytes before the number, on the same line."""
    return cue.occurs_in(text.before(start, width).rpartition(b"\n")[2])
