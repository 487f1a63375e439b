import pytest
from training.nano.dataset.material import Item


@pytest.fixture
def items():
    return [
        Item("1f98a", 3, "fox", "狐狸", ("animal", "vixen"), ("动物", "赤狐")),
        Item("1f34e", 4, "red apple", "红苹果", ("fruit",), ("水果",)),
        Item("1f34f", 4, "green apple", "青苹果", ("fruit",), ("水果",)),
        Item("1f914", 0, "thinking face", "想一想", ("hmm",), ("思考",)),
        Item("1f55a", 5, "eleven o’clock", "十一点", ("clock", "11:00"), ("时钟", "11:00")),
        Item("1f408", 3, "cat", "猫", ("animal",), ("动物",)),
    ]
