"""Names, addresses and numbers brought to a form in which equal things are equal."""

from __future__ import annotations

import re
import unicodedata
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
_NANP_DIGITS = 10
_SSN_DIGITS = 9
_ZIP_DIGITS = 5


def plain(text: str | None) -> str:
    """Letters and digits in lower case, without accents: `O'Brïen-Smith` is `obriensmith`."""
    decomposed = unicodedata.normalize("NFKD", text or "").casefold()
    return "".join(character for character in decomposed if character.isalnum())


def words(text: str | None) -> list[str]:
    return [word for part in re.split(r"[\s,;/]+", text or "") if (word := plain(part))]


def suffix(text: str | None) -> str | None:
    """`jr`, `sr`, `iii`, … or None for what tells no generations apart: `MD`."""
    return _SUFFIXES.get(plain(text))


def are_forms_of_one_name(one: str, other: str) -> bool:
    """Whether two plain given names can be the same: Peggy and Margaret."""
    return any(one in forms and other in forms for forms in _FORMS_OF)


def name_roots(given: str) -> set[str]:
    """What a given name and all its forms have in common, to find them together."""
    return {min(forms) for forms in _FORMS_OF if given in forms} or {given}


def sounds(name: str) -> str:
    return jellyfish.metaphone(name)


def phone(text: str | None) -> str | None:
    """The ten digits of a North American number, or all digits of another."""
    digits = re.sub(r"\D", "", (text or "").split("x")[0])
    if len(digits) == _NANP_DIGITS + 1 and digits.startswith("1"):
        digits = digits[1:]
    return digits if len(digits) >= _NANP_DIGITS else None


def ssn(text: str | None) -> str | None:
    """Nine digits, unless they are what people type when they must type something."""
    digits = re.sub(r"[\s-]", "", text or "")
    if len(digits) != _SSN_DIGITS or not digits.isascii() or not digits.isdecimal():
        return None
    return None if len(set(digits)) == 1 or digits in ("123456789", "987654321") else digits


def address(line: str | None, postal_code: str | None) -> str | None:
    """House, street and five-digit code; a street without a house number places nobody."""
    parts = [_STREETS.get(word, word) for word in words((line or "").replace(".", " "))]
    code = re.sub(r"\D", "", postal_code or "")[:_ZIP_DIGITS]
    if not code or not any(part[0].isdigit() for part in parts):
        return None
    return " ".join([*parts, code])
