"""Checks of national numbers that python-stdnum lacks, or that it makes stricter than the numbers in use."""

from __future__ import annotations

from stdnum.iso7064 import mod_11_2


def british_insurance(number: str) -> bool:
    """Prefixes that were never given out: HM Revenue & Customs, National Insurance Manual NIM39110."""
    return number[:2].upper() not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def singapore(number: str) -> bool:
    """The check letter of a Singapore NRIC or FIN: weights 2, 7, 6, 5, 4, 3, 2 modulo 11."""
    total = sum(weight * int(digit) for weight, digit in zip((2, 7, 6, 5, 4, 3, 2), number[1:8], strict=True))
    total += {"T": 4, "G": 4, "M": 3}.get(number[0], 0)
    letters = {
        "S": "JZIHGFEDCBA",
        "T": "JZIHGFEDCBA",
        "F": "XWUTRQPNMLK",
        "G": "XWUTRQPNMLK",
        "M": "KLJNPQRTUWX",
    }
    place = total % 11 if number[0] != "M" else 10 - total % 11
    return letters[number[0]][place] == number[8]


def hong_kong(number: str) -> bool:
    """The check digit of a Hong Kong identity card: weights 9 to 1 over prefix and digits, modulo 11."""
    body = "".join(filter(str.isalnum, number)).rjust(9)
    worth = [36 if c == " " else int(c, 36) for c in body]
    return sum(weight * value for weight, value in zip(range(9, 0, -1), worth, strict=True)) % 11 == 0


def chinese(number: str) -> bool:
    """Province, date and check digit (GB 11643-1999); python-stdnum fails on counties that it does not list."""
    plausible = 11 <= int(number[:2]) <= 82 and 1900 <= int(number[6:10]) <= 2099 and int(number[10:12]) <= 12
    return plausible and 1 <= int(number[12:14]) <= 31 and mod_11_2.is_valid(number.upper())


def korean(number: str) -> bool:
    """Only the date: numbers given out since October 2020 have no check digit."""
    return 1 <= int(number[2:4]) <= 12 and 1 <= int(number[4:6]) <= 31


def any_number(_number: str) -> bool:
    return True
