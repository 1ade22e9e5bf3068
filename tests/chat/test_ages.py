"""How old the reader is, by table."""

import pytest

from chat.understanding.ages import age_of

AGES = [
    ("I'm 15, recommend horror", 15),
    ("im 14 any ideas", 14),
    ("My daughter is 9, what do you suggest?", 9),
    ("my son turns 12", 12),
    ("she's almost 10", 10),
    ("for my 11-year-old nephew", 11),
    ("a 10 yo boy", 10),
    ("books for ages 8 and up", 8),
    ("a gift for a third grader", 8),
    ("grade 5 class", 10),
    ("something for my little brother", 13),
    ("for a child", 10),
    ("kids manga please", 10),
    ("小3の子に", 8),
    ("中学生の娘に", 13),
    ("高2です", 16),
    ("高1男子", 15),
    ("8歳の子ども向け", 8),
    ("小学生の息子に何か", 10),
    # Numbers and words that are nobody's age.
    ("I am 3 volumes in", None),
    ("I'm 15 volumes behind", None),
    ("I'm 20% done", None),
    ("my son is 2nd", None),
    ("my brother has 15", None),
    ("it is 12 dollars", None),
    ("vol 8 old edition", None),
    ("manga about children", None),
    ("子どもが主人公の漫画", None),
    ("小説3冊", None),
    ("10年前の漫画", None),
    ("大人向け", None),
]


@pytest.mark.parametrize(("text", "age"), AGES)
def test_the_age_that_is_told(text: str, age: int | None) -> None:
    assert age_of(text)[0] == age
