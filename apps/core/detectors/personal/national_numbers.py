"""How countries write their identity, health, tax and social security numbers, and how each is checked.

The checks are those of python-stdnum, and of ``national_checks`` for what it lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stdnum.ar import dni as ar_dni
from stdnum.at import vnr as at_vnr
from stdnum.au import tfn as au_tfn
from stdnum.be import nn as be_nn
from stdnum.bg import egn as bg_egn
from stdnum.br import cpf as br_cpf
from stdnum.ca import sin as ca_sin
from stdnum.ch import ssn as ch_ssn
from stdnum.cl import rut as cl_rut
from stdnum.cz import rc as cz_rc
from stdnum.de import idnr as de_idnr
from stdnum.dk import cpr as dk_cpr
from stdnum.ee import ik as ee_ik
from stdnum.es import dni as es_dni
from stdnum.es import nie as es_nie
from stdnum.fi import hetu as fi_hetu
from stdnum.fr import nir as fr_nir
from stdnum.gb import nhs as gb_nhs
from stdnum.gr import amka as gr_amka
from stdnum.hr import oib as hr_oib
from stdnum.id import nik as id_nik
from stdnum.ie import pps as ie_pps
from stdnum.il import idnr as il_idnr
from stdnum.in_ import aadhaar as in_aadhaar
from stdnum.it import codicefiscale as it_codicefiscale
from stdnum.mx import curp as mx_curp
from stdnum.my import nric as my_nric
from stdnum.nl import bsn as nl_bsn
from stdnum.no import fodselsnummer as no_fodselsnummer
from stdnum.pk import cnic as pk_cnic
from stdnum.pl import pesel as pl_pesel
from stdnum.pt import nif as pt_nif
from stdnum.ro import cnp as ro_cnp
from stdnum.se import personnummer as se_personnummer
from stdnum.th import pin as th_pin
from stdnum.tr import tckimlik as tr_tckimlik
from stdnum.us import itin as us_itin
from stdnum.za import idnr as za_idnr

from apps.core.detectors.personal import national_checks as checks

# When a number needs no name beside it: never, when it is written with the country's separators, or always.
Unnamed = Literal["never", "separated", "always"]


@dataclass(frozen=True, slots=True)
class NationalNumber:
    """``shape`` is RE2 syntax for the number, ``names`` for what it is called, in any case."""

    rule: str
    description: str
    shape: str
    is_valid: Callable[[str], bool]
    names: str
    unnamed: Unnamed = "never"
    fewest_digits: int = 8


NATIONAL_NUMBERS: tuple[NationalNumber, ...] = (
    NationalNumber(
        "us-itin",
        "US taxpayer number (ITIN)",
        r"9\d{2}[\- ][5-9]\d[\- ]\d{4}",
        us_itin.is_valid,
        r"itin|taxpayer",
        "separated",
    ),
    NationalNumber(
        "gb-national-insurance",
        "UK National Insurance number",
        r"[A-CEGHJ-PR-TW-Za-z][A-CEGHJ-NPR-TW-Za-z] ?\d{2} ?\d{2} ?\d{2} ?[A-Da-d]",
        checks.british_insurance,
        r"national insurance|\bnino?\b|ni (?:number|no)",
        "always",
        fewest_digits=6,
    ),
    NationalNumber(
        "gb-nhs-number", "UK NHS number", r"\d{3}[ \-]?\d{3}[ \-]?\d{4}", gb_nhs.is_valid, r"\bnhs\b"
    ),
    NationalNumber(
        "de-tax-id",
        "German tax identification number",
        r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
        de_idnr.is_valid,
        r"steuer-?id|steuer(?:liche)?[ \-]?identifikation|idnr|steuernummer|tax id|\btin\b",
    ),
    NationalNumber(
        "de-social-insurance",
        "German pension insurance number",
        r"\d{2} ?\d{6} ?[A-Z] ?\d{3}",
        checks.any_number,
        r"rvnr|svnr|sv-?nummer|sozialversicherung|rentenversicherung",
    ),
    NationalNumber(
        "de-identity-card",
        "German identity card number",
        r"[CFGHJKLMNPRTVWXYZ][0-9CFGHJKLMNPRTVWXYZ]{8}\d?",
        lambda number: any(map(str.isdigit, number)),
        r"personalausweis|ausweis(?:nummer|nr)|reisepass",
        fewest_digits=1,
    ),
    NationalNumber(
        "fr-social-security",
        "French social security number (NIR)",
        r"[12][ .]?\d{2}[ .]?(?:0[1-9]|1[0-2]|[2-9]\d)[ .]?(?:\d{2}|2[AB])[ .]?\d{3}[ .]?\d{3}[ .]?\d{2}",
        fr_nir.is_valid,
        r"sécurité sociale|securite sociale|\bnir\b|\binsee\b|n° ?sécu",
        "always",
    ),
    NationalNumber(
        "es-dni",
        "Spanish identity number (DNI)",
        r"\d{8}[\- ]?[A-HJ-NP-TV-Z]",
        es_dni.is_valid,
        r"\bdni\b|\bnif\b",
        "always",
    ),
    NationalNumber(
        "es-nie",
        "Spanish foreigner number (NIE)",
        r"[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]",
        es_nie.is_valid,
        r"\bnie\b",
        "always",
        fewest_digits=7,
    ),
    NationalNumber(
        "it-codice-fiscale",
        "Italian tax code",
        r"(?i:[A-Z]{6} ?\d{2} ?[A-EHLMPRST] ?\d{2} ?[A-Z]\d{3} ?[A-Z])",
        it_codicefiscale.is_valid,
        r"codice fiscale|cod\. fisc",
        "always",
        fewest_digits=7,
    ),
    NationalNumber(
        "nl-bsn",
        "Dutch citizen number (BSN)",
        r"\d{4}\.?\d{2}\.?\d{3}",
        nl_bsn.is_valid,
        r"\bbsn\b|burgerservice|sofi",
    ),
    NationalNumber(
        "be-national-number",
        "Belgian national number",
        r"\d{2}\.?\d{2}\.?\d{2}[\- ]?\d{3}\.?\d{2}",
        be_nn.is_valid,
        r"rijksregister|registre national|national (?:number|register)|\binsz\b|\bniss\b",
        "separated",
    ),
    NationalNumber("pl-pesel", "Polish PESEL", r"\d{11}", pl_pesel.is_valid, r"pesel"),
    NationalNumber(
        "pt-nif",
        "Portuguese tax number (NIF)",
        r"[1-35689]\d{2} ?\d{3} ?\d{3}",
        pt_nif.is_valid,
        r"\bnif\b|contribuinte",
    ),
    NationalNumber(
        "se-personnummer",
        "Swedish personal number",
        r"(?:19|20)?\d{6}[\-+]?\d{4}",
        se_personnummer.is_valid,
        r"personn(?:umme)?r|samordning",
        "separated",
    ),
    NationalNumber(
        "fi-hetu",
        "Finnish personal identity code",
        r"\d{6}[\-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]",
        fi_hetu.is_valid,
        r"hetu|henkilötunnus",
        "always",
    ),
    NationalNumber("dk-cpr", "Danish CPR number", r"\d{6}-?\d{4}", dk_cpr.is_valid, r"\bcpr\b|personnummer"),
    NationalNumber(
        "no-fodselsnummer",
        "Norwegian birth number",
        r"\d{6} ?\d{5}",
        no_fodselsnummer.is_valid,
        r"f[øo]dsels(?:nummer|nr)|personnummer|fnr",
        "always",
    ),
    NationalNumber(
        "br-cpf", "Brazilian CPF", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", br_cpf.is_valid, r"\bcpf\b", "separated"
    ),
    NationalNumber(
        "in-aadhaar",
        "Indian Aadhaar number",
        r"\d{4}[ \-]?\d{4}[ \-]?\d{4}",
        in_aadhaar.is_valid,
        r"aadha{1,2}r|uidai|आधार",
    ),
    NationalNumber(
        "in-pan",
        "Indian PAN",
        r"[A-Z]{3}P[A-Z]\d{4}[A-Z]",
        checks.any_number,
        r"\bpan\b|permanent account",
        "always",
        fewest_digits=4,
    ),
    NationalNumber(
        "ca-sin",
        "Canadian social insurance number",
        r"\d{3}[ \-]?\d{3}[ \-]?\d{3}",
        ca_sin.is_valid,
        r"\bsin\b|social insurance|\bnas\b",
    ),
    NationalNumber(
        "au-tfn", "Australian tax file number", r"\d{3} ?\d{3} ?\d{2,3}", au_tfn.is_valid, r"\btfn\b|tax file"
    ),
    NationalNumber(
        "au-medicare",
        "Australian Medicare number",
        r"[2-6]\d{3} ?\d{5} ?\d(?:[ /\-]?\d)?",
        checks.any_number,
        r"medicare",
    ),
    NationalNumber(
        "us-medicare",
        "US Medicare number (MBI)",
        r"[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?"
        r"[AC-HJKMNP-RT-Y]{2}\d{2}",
        checks.any_number,
        r"medicare|\bmbi\b",
        "always",
        fewest_digits=4,
    ),
    NationalNumber(
        "za-identity",
        "South African identity number",
        r"\d{6} ?\d{4} ?\d{2} ?\d",
        za_idnr.is_valid,
        r"\bid (?:number|no)|identity|south african id",
    ),
    NationalNumber(
        "cn-resident-id",
        "Chinese resident identity number",
        r"\d{17}[\dXx]",
        checks.chinese,
        r"身份证|resident identity",
        "always",
    ),
    NationalNumber(
        "kr-resident-registration",
        "South Korean resident number",
        r"\d{6}-[0-8]\d{6}",
        checks.korean,
        r"주민등록|\brrn\b|resident registration",
        "always",
    ),
    NationalNumber(
        "mx-curp",
        "Mexican CURP",
        r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d",
        mx_curp.is_valid,
        r"curp",
        "always",
        fewest_digits=6,
    ),
    NationalNumber(
        "ar-dni",
        "Argentine identity number (DNI)",
        r"\d{1,2}\.?\d{3}\.?\d{3}",
        ar_dni.is_valid,
        r"\bdni\b",
        fewest_digits=7,
    ),
    NationalNumber(
        "cl-rut",
        "Chilean RUT",
        r"\d{1,2}\.?\d{3}\.?\d{3}-[\dkK]",
        cl_rut.is_valid,
        r"\brut\b|\brun\b",
        "separated",
    ),
    NationalNumber(
        "ie-pps",
        "Irish PPS number",
        r"\d{7}[A-Wa-w][A-IWa-iw]?",
        ie_pps.is_valid,
        r"\bpps[n]?\b|personal public service",
        fewest_digits=7,
    ),
    NationalNumber(
        "ch-ahv",
        "Swiss AHV number",
        r"756\.?\d{4}\.?\d{4}\.?\d{2}",
        ch_ssn.is_valid,
        r"\bahv\b|\bavs\b|sozialversicherung",
        "always",
    ),
    NationalNumber(
        "at-social-insurance",
        "Austrian social insurance number",
        r"\d{4} ?\d{6}",
        at_vnr.is_valid,
        r"svnr|sv-?nummer|sozialversicherung|versicherungsnummer",
    ),
    NationalNumber(
        "cz-birth-number",
        "Czech or Slovak birth number",
        r"\d{6}/\d{3,4}",
        cz_rc.is_valid,
        r"rodné číslo|rodne cislo|\brč\b",
        "always",
    ),
    NationalNumber("ro-cnp", "Romanian CNP", r"[1-9]\d{12}", ro_cnp.is_valid, r"\bcnp\b"),
    NationalNumber("bg-egn", "Bulgarian EGN", r"\d{10}", bg_egn.is_valid, r"\begn\b|егн"),
    NationalNumber("hr-oib", "Croatian OIB", r"\d{11}", hr_oib.is_valid, r"\boib\b"),
    NationalNumber("gr-amka", "Greek AMKA", r"\d{11}", gr_amka.is_valid, r"\bamka\b|αμκα"),
    NationalNumber(
        "ee-isikukood",
        "Baltic personal code",
        r"[1-6]\d{10}",
        ee_ik.is_valid,
        r"isikukood|asmens kodas|personal code",
    ),
    NationalNumber(
        "tr-kimlik",
        "Turkish identity number",
        r"[1-9]\d{10}",
        tr_tckimlik.is_valid,
        r"kimlik|\bt\.?c\.? ?(?:no|kimlik|identity)",
    ),
    NationalNumber(
        "il-identity",
        "Israeli identity number",
        r"\d{8}-?\d",
        il_idnr.is_valid,
        r"teudat|ת\.?ז|israeli id|mispar zehut",
    ),
    NationalNumber(
        "sg-nric",
        "Singapore NRIC or FIN",
        r"[STFGM]\d{7}[A-Z]",
        checks.singapore,
        r"\bnric\b|\bfin\b",
        "always",
        fewest_digits=7,
    ),
    NationalNumber(
        "hk-identity",
        "Hong Kong identity card",
        r"[A-Z]{1,2}\d{6}\([0-9A]\)",
        checks.hong_kong,
        r"hkid|identity card",
        "always",
        fewest_digits=6,
    ),
    NationalNumber(
        "my-nric",
        "Malaysian NRIC",
        r"\d{6}-?\d{2}-?\d{4}",
        my_nric.is_valid,
        r"\bnric\b|mykad|\bic (?:number|no)",
        "separated",
    ),
    NationalNumber(
        "th-identity",
        "Thai identity number",
        r"\d-?\d{4}-?\d{5}-?\d{2}-?\d",
        th_pin.is_valid,
        r"thai id|บัตรประชาชน|citizen id",
        "separated",
    ),
    NationalNumber(
        "pk-cnic", "Pakistani CNIC", r"\d{5}-?\d{7}-?\d", pk_cnic.is_valid, r"\bcnic\b|\bnic\b", "separated"
    ),
    NationalNumber("id-nik", "Indonesian NIK", r"\d{16}", id_nik.is_valid, r"\bnik\b|\bktp\b"),
    NationalNumber(
        "passport-number",
        "Passport number",
        r"[A-Za-z]{0,2}\d{6,9}[A-Za-z]?|[A-Z][0-9A-Z]{7,8}",
        lambda number: sum(map(str.isdigit, number)) > 4,
        r"passport|reisepass|passeport|pasaporte|passaporto|passnummer",
        fewest_digits=5,
    ),
    NationalNumber(
        "driving-licence-number",
        "Driving licence number",
        r"[0-9A-Z](?:[0-9A-Z]|[ \-][0-9A-Z]){5,19}",
        lambda number: sum(map(str.isdigit, number)) > 4,
        r"driv(?:er|ing)'?s?'? licen[cs]e|licen[cs]e (?:number|no)|führerschein|permis de conduire"
        r"|permiso de conducir",
        fewest_digits=5,
    ),
)
