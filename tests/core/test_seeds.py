from core.seeds import derive, numbers


def test_streams_are_their_own_and_stay_the_same():
    assert derive(0, "a") == 8617095791668180470  # a stored seed must mean the same tomorrow
    assert len({derive(0, "a"), derive(1, "a"), derive(0, "b"), derive(0, "a", "b"), derive(0, "ab")}) == 5
    assert numbers(5, "x").integers(1 << 30) == numbers(5, "x").integers(1 << 30)
