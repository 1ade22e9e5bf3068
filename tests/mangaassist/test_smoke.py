from mangaassist.redis import async_client, sync_client


async def test_the_private_redis_answers() -> None:
    assert sync_client("cache").ping()
    assert await async_client("streams").ping()
