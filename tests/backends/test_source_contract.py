"""Every source of documents keeps the same promises: a folder, and Amazon S3 (moto)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from knowledge.backends import knowledge_sources
from knowledge.backends.base import (
    LARGEST_DOCUMENT_BYTES,
    DocumentFault,
    DocumentGone,
    DocumentUnsettled,
    KnowledgeSource,
    SourceUnavailable,
)
from knowledge.backends.folder import FolderSource
from knowledge.backends.s3 import S3Source


@dataclass
class Shelf:
    """A source, and how somebody else puts and removes documents there."""

    source: KnowledgeSource
    put: Callable[[str, bytes], None]
    remove: Callable[[str], None]


def settle(folder: Path) -> None:
    """A minute later."""
    for file in folder.rglob("*"):
        os.utime(file, (time.time() - 60,) * 2)


@pytest.fixture(params=["folder", "s3"])
def shelf(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> Iterator[Shelf]:
    if request.param == "folder":
        settings.KNOWLEDGE_SOURCES = {
            "default": {"BACKEND": "knowledge.backends.folder.FolderSource", "OPTIONS": {"path": str(tmp_path)}}
        }

        def put(key: str, data: bytes) -> None:
            (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / key).write_bytes(data)
            settle(tmp_path)

        yield Shelf(knowledge_sources["default"], put, lambda key: (tmp_path / key).unlink())
        return
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="shop-knowledge")
        settings.KNOWLEDGE_SOURCES = {
            "default": {"BACKEND": "knowledge.backends.s3.S3Source", "OPTIONS": {"bucket": "shop-knowledge"}}
        }
        yield Shelf(
            knowledge_sources["default"],
            lambda key, data: s3.put_object(Bucket="shop-knowledge", Key=key, Body=data),
            lambda key: s3.delete_object(Bucket="shop-knowledge", Key=key),
        )


def test_what_is_put_is_listed_and_fetched_with_one_version(shelf: Shelf) -> None:
    assert list(shelf.source.list()) == []
    shelf.put("returns/how to.md", b"Text")
    shelf.put("faq/返品 の 仕方.txt", "三十日".encode())
    listed = {each.key: each for each in shelf.source.list()}
    assert set(listed) == {"returns/how to.md", "faq/返品 の 仕方.txt"}
    for key, each in listed.items():
        fetched = shelf.source.fetch(key)
        assert (fetched.version, len(fetched.data)) == (each.version, each.size)
    assert shelf.source.fetch("faq/返品 の 仕方.txt").data.decode() == "三十日"


def test_another_content_is_another_version(shelf: Shelf) -> None:
    shelf.put("a.md", b"One")
    before = shelf.source.fetch("a.md").version
    shelf.put("a.md", b"Another")
    assert shelf.source.fetch("a.md").version != before


def test_what_is_removed_is_gone(shelf: Shelf) -> None:
    shelf.put("a.md", b"One")
    shelf.remove("a.md")
    assert list(shelf.source.list()) == []
    for key in ("a.md", "never/there.md"):
        with pytest.raises(DocumentGone):
            shelf.source.fetch(key)


def test_what_is_too_large_is_not_read(shelf: Shelf) -> None:
    shelf.put("large.txt", b"x" * (LARGEST_DOCUMENT_BYTES + 1))
    (listed,) = shelf.source.list()
    with pytest.raises(DocumentFault, match="larger") as refusal:
        shelf.source.fetch("large.txt")
    assert (refusal.value.version, refusal.value.size) == (listed.version, listed.size)


def test_a_folder_gives_nothing_from_outside_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    inside = tmp_path / "knowledge"
    (inside / ".hidden").mkdir(parents=True)
    (inside / ".hidden" / "a.md").write_text("hidden")
    (inside / "link.txt").symlink_to(tmp_path / "secret.txt")
    source = FolderSource(path=str(inside))
    assert list(source.list()) == []
    for key in ("../secret.txt", "link.txt", ".hidden/a.md", "/etc/passwd", "", ".", "a\0b", "x" * 5000):
        with pytest.raises(DocumentGone):
            source.fetch(key)


def test_a_file_that_is_being_written_is_there_and_left_for_the_next_look(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("half")
    source = FolderSource(path=str(tmp_path))
    assert [(each.key, each.version) for each in source.list()] == [("a.md", "")]
    with pytest.raises(DocumentUnsettled):
        source.fetch("a.md")
    tomorrow = time.time() + 86_400
    os.utime(tmp_path / "a.md", (tomorrow, tomorrow))
    assert source.fetch("a.md").data == b"half"


def test_a_name_that_is_no_utf_8_and_a_file_that_may_not_be_read_hold_up_no_other(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("good")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + "返品.md".encode("cp932"))).write_text("from an archive")
    settle(tmp_path)
    assert [each.key for each in FolderSource(path=str(tmp_path)).list()] == ["good.md"]


def test_an_object_in_an_archive_is_its_own_fault_and_not_the_buckets() -> None:
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="shop-knowledge")
        s3.put_object(Bucket="shop-knowledge", Key="old.md", Body=b"x", StorageClass="GLACIER")
        s3.put_object(Bucket="shop-knowledge", Key="good.md", Body=b"x")
        source = S3Source(bucket="shop-knowledge")
        for _ in range(5):
            with pytest.raises(DocumentFault, match="archive"):
                source.fetch("old.md")
        assert source.fetch("good.md").data == b"x"


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert list(FolderSource(path=str(tmp_path / "none")).list()) == []


def test_a_bucket_that_does_not_answer_is_unavailable_and_not_empty() -> None:
    with mock_aws():
        source = S3Source(bucket="not-there")
        with pytest.raises(SourceUnavailable):
            list(source.list())
        with pytest.raises(SourceUnavailable):
            source.fetch("a.md")


def test_a_folder_on_a_console_is_no_document() -> None:
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="shop-knowledge")
        s3.put_object(Bucket="shop-knowledge", Key="returns/", Body=b"")
        assert list(S3Source(bucket="shop-knowledge").list()) == []
