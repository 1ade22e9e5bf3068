"""Amazon Personalize's data deletion jobs: a CSV of user ids on S3, and a job that reads it.

Format of the file and the job as in Amazon Personalize's developer guide ("Deleting users").
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from mangaassist import aws
from mangaassist.outbox.topics import DeliveryFailed

log = structlog.get_logger(__name__)


class PersonalizeDeletion:
    """Thread-safe."""

    def __init__(self, *, region: str = "") -> None:
        self._s3 = aws.client("s3", "worker", region=region)
        self._personalize = aws.client("personalize", "worker", region=region)

    def forget(
        self, user_ids: Sequence[str], *, job_name: str, dataset_group_arn: str, location: str, role_arn: str
    ) -> None:
        """``location``: ``s3://bucket/folder``. A job of that name that exists already is this one.

        Raises :class:`DeliveryFailed`.
        """
        bucket, folder = _parts(location)
        key = f"{folder}{job_name}.csv"
        file = io.StringIO(newline="")
        csv.writer(file).writerows([["USER_ID"], *([user_id] for user_id in user_ids)])
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=file.getvalue().encode(), ContentType="text/csv")
            self._personalize.create_data_deletion_job(
                jobName=job_name,
                datasetGroupArn=dataset_group_arn,
                dataSource={"dataLocation": f"s3://{bucket}/{key}"},
                roleArn=role_arn,
            )
        except ClientError as error:
            code = aws.code_of(error)
            if code == "ResourceAlreadyExistsException":
                return
            raise DeliveryFailed(f"Amazon Personalize does not forget yet: {code}") from error
        except BotoCoreError as error:
            raise DeliveryFailed(f"Amazon Personalize does not forget yet: {type(error).__name__}") from error
        log.info("personalize_told_to_forget", job=job_name, shoppers=len(user_ids))


def _parts(location: str) -> tuple[str, str]:
    """(bucket, folder with its slash or empty) of ``s3://bucket/folder``."""
    parts = urlsplit(location)
    folder = parts.path.strip("/")
    return parts.netloc, f"{folder}/" if folder else ""
