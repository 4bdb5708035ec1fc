"""Names, addresses and numbers brought to a form in which equal things are equal."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from typing import Final

import jellyfish

# One line per name: its full form and what people make of it.
_FORMS = """
abigail abby gail|albert al bert|alexander alex alec sasha xander
alexandra alex sandra sandy sasha|andrew andy drew|anthony tony|barbara barb barbie babs
benjamin ben benny|catherine cathy cate kate|charles charlie chuck chas
christine chris chrissy tina|christopher chris kit topher|cynthia cindy|daniel dan danny
david dave davey|deborah deb debbie|donald don donny|dorothy dot dottie dora
dorothea dora dorothy thea|edward ed eddie ned ted|eleanor ellie nell nora lenore
elizabeth beth betsy betty eliza liz lizzie libby|emily em emmy|eugene gene|frances fran fanny
francis frank fran|frederick fred freddie fritz|gabriela gaby gabby|gabriel gabe
gerald gerry jerry|gregory greg|harold hal|henry hank harry|isabella bella izzy|jacob jake
jacqueline jackie|james jim jimmy jamie|jennifer jen jenny|jessica jess jessie
john jack johnny jon|jonathan jon nathan|joseph joe joey|josephine jo josie|joshua josh
judith judy|katharine kathy kate katie kat kitty|katherine kathy kate katie kat kitty
kenneth ken kenny|kimberly kim|lawrence larry lars|leonard leo len lenny|lucille lucy
margaret maggie meg peggy peg rita margie|matthew matt|matthias matt|mattias matt
michael mike mick mickey|nancy nan|nathaniel nate nathan nat|nicholas nick nicky
olivia liv livvy|pamela pam|patricia pat patty tricia trish|patrick pat paddy|peter pete
philip phil|raymond ray|rebecca becky becca|richard dick rich rick ricky
robert bob bobby rob robbie|ronald ron ronnie|samantha sam sammie|samuel sam sammy
stephanie steph|stephen steve|steven steve|susan sue suzy susie|susanna sue susan suzy
theodore ted teddy theo|theresa tess terry tessa|thomas tom tommy|timothy tim timmy
victoria vicky tori|vincent vince vinny|virginia ginny|walter walt wally
william bill billy will willy liam|zachary zach zack
"""
_FORMS_OF: Final = [set(line.split()) for line in _FORMS.replace("\n", "|").split("|") if line]
_SUFFIXES: Final = {
    "jr": "jr", "junior": "jr", "ii": "jr", "2nd": "jr", "sr": "sr", "senior": "sr",
    "iii": "iii", "3rd": "iii", "iv": "iv", "4th": "iv",
}  # fmt: skip
_STREETS: Final = {
    "street": "st", "avenue": "ave", "road": "rd", "lane": "ln", "drive": "dr", "court": "ct",
    "boulevard": "blvd", "place": "pl", "terrace": "ter", "highway": "hwy", "apartment": "apt",
    "north": "n", "south": "s", "east": "e", "west": "w",
}  # fmt: skip
_NOBODY: Final = {
    "baby", "boy", "girl", "babyboy", "babygirl", "bb", "bg", "newborn", "infant", "male", "female",
    "unknown", "unk", "unnamed", "noname", "anonymous", "test", "patient", "none", "na", "xxx",
    "doe", "trauma", "twin", "twina", "twinb", "dummy", "fnu", "lnu", "nfn", "nln", "nmn", "nmi",
}  # fmt: skip
"""What is written for a name nobody knows, or has been given yet."""
_BETWEEN_WORDS = re.compile(r"[\s,;/]+")
_NO_DIGITS = re.compile(r"\D+")
_NANP_DIGITS = 10
_SSN_DIGITS = 9
_REMEMBERED = 50_000
_LAST_DIGITS = 4
_ZIP_DIGITS = 5
_UNKNOWN_BIRTH_DATES: Final = {"1900-01-01", "1901-01-01", "1970-01-01", "1800-01-01", "9999-12-31"}


def plain(text: str | None) -> str:
    """Letters and digits in lower case, without accents: `O'Brïen-Smith` is `obriensmith`."""
    if text and text.isascii() and text.isalnum():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text or "").casefold()
    return "".join(character for character in decomposed if character.isalnum())


def words(text: str | None) -> list[str]:
    if not text:
        return []
    if text.isascii() and text.isalnum():
        return [text.lower()]
    return [word for part in _BETWEEN_WORDS.split(text) if (word := plain(part))]


def suffix(text: str | None) -> str | None:
    """`jr`, `sr`, `iii`, … or None for what tells no generations apart: `MD`."""
    return _SUFFIXES.get(plain(text))


def are_forms_of_one_name(one: str, other: str) -> bool:
    """Whether two plain given names can be the same: Peggy and Margaret."""
    return any(one in forms and other in forms for forms in _FORMS_OF)


def nicknames(given: str) -> frozenset[str]:
    """The other forms of a plain given name."""
    return frozenset(form for forms in _FORMS_OF if given in forms for form in forms) - {given}


@lru_cache(_REMEMBERED)
def name_roots(given: str) -> frozenset[str]:
    """What a given name and all its forms have in common, to find them together."""
    return frozenset(min(forms) for forms in _FORMS_OF if given in forms) or frozenset([given])


@lru_cache(_REMEMBERED)
def spelt_alike(name: str) -> str:
    """What the spellings of one name have in common: Brianna and Briana, Sarah and Sara."""
    parts = name.replace("ph", "f").replace("ch", "c").replace("y", "i").replace("k", "c")
    single = re.sub(r"(.)\1+", r"\1", parts)
    return single.removesuffix("h").removesuffix("e") or single


@lru_cache(_REMEMBERED)
def sounds(name: str) -> str:
    """A name as it is heard, so that misspellings meet; digits alone keep their own form."""
    return jellyfish.metaphone(name) or name


def known(name: str | None) -> str | None:
    """The plain name, unless it is what stands for none: `BABY BOY`, `Unknown`, `Test`."""
    parts = words(name)
    plainly = "".join(parts)
    is_nobody = not plainly or plainly in _NOBODY or all(part in _NOBODY for part in parts)
    return None if is_nobody else plainly


def birth_date(text: str | None) -> str | None:
    """A whole date, unless it is what is typed when nobody knows."""
    try:
        return None if text in _UNKNOWN_BIRTH_DATES else date.fromisoformat(text or "").isoformat()
    except ValueError:
        return None


def phone(text: str | None) -> str | None:
    """The ten digits of a North American number, or all digits of another."""
    digits = _NO_DIGITS.sub("", (text or "").split("x")[0])
    if len(digits) == _NANP_DIGITS + 1 and digits.startswith("1"):
        digits = digits[1:]
    is_number = len(digits) >= _NANP_DIGITS and len(set(digits[-7:])) > 1
    return digits if is_number else None


def ssn(text: str | None) -> str | None:
    """Nine digits, unless they are what people type when they must type something."""
    digits = re.sub(r"[\s-]", "", text or "")
    if len(digits) != _SSN_DIGITS or not digits.isascii() or not digits.isdecimal():
        return None
    return None if len(set(digits)) == 1 or digits in ("123456789", "987654321") else digits


def last_digits(text: str | None) -> str | None:
    """The last four of a number given as those alone: `6789`, `XXX-XX-6789`, `*****6789`."""
    shown = re.sub(r"[\s*xX#-]", "", text or "")
    if len(shown) != _LAST_DIGITS or not shown.isascii() or not shown.isdecimal():
        return None
    return None if len(set(shown)) == 1 else shown


def street(line: str | None) -> tuple[str, str]:
    """The house number, empty if there is none, and the rest, abbreviated alike."""
    parts = [_STREETS.get(word, word) for word in words((line or "").replace(".", " "))]
    house = next((part for part in parts if part[0].isdigit()), "")
    return house, " ".join(part for part in parts if part != house)


def postal_code(text: str | None) -> str:
    """The first five digits; of a code with letters, all of it."""
    code = plain(text)
    return code[:_ZIP_DIGITS] if code[:_ZIP_DIGITS].isdecimal() else code
