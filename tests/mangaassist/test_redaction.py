"""What leaves a text, and what must stay in it."""

from __future__ import annotations

import pytest

from mangaassist.redaction import redact


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("write to a.b+c@example.co.jp please", "write to [email] please"),
        ("ｔａｒｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", "[email]"),
        ("メールはtaro@example.comです", "メールは[email]です"),
        ("my card is 4111 1111 1111 1111", "my card is [card]"),
        ("call +1 (415) 555-2671", "call [phone]"),
        ("090-1234-5678に電話して", "[phone]に電話して"),
        ("〒150-0001 東京都", "[address] 東京都"),
    ],
)
def test_personal_data_is_taken_out(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "where is order MA-10023?",
        "ISBN 978-4-592-13761-2",
        "MDBERSENP003 costs $14.99",
        "20th Century Boys volumes 1 to 22, 1999",
        "ベルセルク 第41巻 1500円",
        "",
    ],
)
def test_the_shops_own_numbers_stay(text: str) -> None:
    assert redact(text) == text


def test_a_card_number_with_a_wrong_check_digit_is_no_card() -> None:
    assert "[card]" not in redact("4111 1111 1111 1112")
