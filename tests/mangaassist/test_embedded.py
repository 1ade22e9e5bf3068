"""The private Redis and the installation's secret."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mangaassist import embedded


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        keys = set(threads.map(embedded.secret_key, [tmp_path / "new"] * 16))
    assert len(keys) == 1
    assert len(keys.pop()) > 50
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret_key"]


def test_the_socket_lives_in_the_data_folder(tmp_path: Path) -> None:
    assert embedded.redis_socket(Path("/srv/shop")) == Path("/srv/shop/redis/redis.sock")


@pytest.mark.parametrize("name", ["x" * 120, "日本" * 40, "two words", "50%", "a#b"])
def test_a_path_that_no_url_can_hold_gets_a_short_socket(name: str) -> None:
    socket = embedded.redis_socket(Path("/srv") / name)
    assert len(os.fsencode(socket)) <= embedded.SOCKET_PATH_BYTES
    assert Path("/srv") not in socket.parents
    assert socket != embedded.redis_socket(Path("/srv") / f"{name}2")


def test_a_long_temporary_folder_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/tmp/" + "t" * 120)
    assert len(os.fsencode(embedded.redis_socket(Path("/srv") / ("x" * 120)))) <= embedded.SOCKET_PATH_BYTES


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir = tmp_path / ("x" * 120)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(embedded, "SOCKET_PATH_BYTES", len(str(tmp_path)) + 50)
    planted = embedded.redis_socket(data_dir).parent
    assert planted.parent == tmp_path
    (tmp_path / "elsewhere").mkdir()
    planted.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(embedded.RedisUnavailable, match="belongs to somebody else"):
        embedded.redis_command(data_dir)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", (7, 0)),
        ("Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", (8, 1)),
        ("hello", (0, 0)),
    ],
)
def test_a_server_on_the_path_is_taken_when_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, version: tuple[int, int]
) -> None:
    program = tmp_path / "valkey-server"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    if version >= embedded.OLDEST_REDIS:
        assert embedded.redis_program() == str(program)
    else:
        assert embedded.redis_program() != str(program)


def test_without_any_redis_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    with pytest.raises(embedded.RedisUnavailable, match="install redis-server or valkey-server"):
        embedded.redis_program()


@pytest.mark.process
@pytest.mark.parametrize("name", ["plain", "two words " + "x" * 120])
def test_a_private_redis_keeps_its_folder_to_itself(tmp_path: Path, name: str) -> None:
    data_dir = tmp_path / name
    redis = embedded.PrivateRedis(data_dir)
    redis.start()
    try:
        assert embedded.answers(data_dir)
        with pytest.raises(embedded.DataDirInUse, match="set DATA_DIR to another folder"):
            embedded.lock_data_dir(data_dir, wait_s=0)
    finally:
        redis.stop()
    assert not embedded.answers(data_dir)
    assert embedded.redis_socket(data_dir).parent.exists() is (name == "plain")
    os.close(embedded.lock_data_dir(data_dir, wait_s=0))


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells children of their parent's end on Linux only")
def test_redis_goes_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from mangaassist.embedded import PrivateRedis;"
            "PrivateRedis(Path(sys.argv[1])).start(); print('up', flush=True); time.sleep(60)",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    parent.kill()
    parent.wait()
    # The lock is free only when Redis itself is gone.
    os.close(embedded.lock_data_dir(tmp_path, wait_s=10))
    parent.stdout.close()
