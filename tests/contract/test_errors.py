"""The table of error codes is complete and says how to mend each."""

import pytest

from contract.errors import MEANINGS, Code


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_meaning_and_a_way_to_mend_it(code):
    meaning = MEANINGS[code]
    assert 200 <= meaning.status < 600
    assert meaning.message
    assert meaning.mend.endswith(".")


def test_a_code_is_its_own_name():
    assert all(code.name == code.value for code in Code)
