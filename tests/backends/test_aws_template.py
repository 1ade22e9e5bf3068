"""deploy/aws/template.yaml: what it creates is what the application runs on, with no right more than it uses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.conf import settings as django_settings
from moto import mock_aws

from chat.backends.bedrock import BedrockGenerator
from chat.feedback import Opinion, save_feedback
from chat.memory import TOPIC as MEMORY_TOPIC
from chat.memory import stores
from chat.models import Feedback, Message, Turn
from knowledge.backends import knowledge_sources
from knowledge.backends.bedrock_embedder import BedrockEmbedder
from knowledge.search import search_passages
from mangaassist import aws
from mangaassist.analytics.backends import streams
from mangaassist.analytics.buffer import TOPIC as ANALYTICS_TOPIC
from mangaassist.analytics.buffer import buffer
from mangaassist.outbox.consumers import consume
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.relay import drain
from tests.backends.bedrock_fake import answer, fake_bedrock
from tests.backends.briefs import written
from tests.backends.embedding_fake import fake_models
from tests.journeys.shopper import Socket, token
from tests.knowledge.indexing import follow_changes
from tests.shop.catalogue import load_small_catalogue

# moto makes stacks with what the development environment has (requirements-dev.txt); CI runs in that.
pytest.importorskip("openapi_spec_validator")
pytestmark = pytest.mark.django_db(transaction=True)

TEMPLATE = Path(django_settings.BASE_DIR) / "deploy" / "aws" / "template.yaml"
# Batches need the right to the single call.
RIGHT_OF = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ListObjectsV2": "ListBucket",
    # Amazon Bedrock User Guide, "Using the Converse API".
    "ConverseStream": "InvokeModelWithResponseStream",
}


def _make_stack(name: str = "shop", **parameters: str) -> dict[str, str]:
    """Its outputs, by the variable that takes them."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=TEMPLATE.read_text(),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in ({"Prefix": "shop"} | parameters).items()
        ],
    )
    (made,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    return {each["Description"]: each["OutputValue"] for each in made["Outputs"]}


@pytest.fixture
def stack(settings: Any) -> Iterator[dict[str, str]]:
    """The outputs, by the variable that takes them."""
    with mock_aws():
        outputs = _make_stack()
        settings.OUTBOX_WAKE = False
        settings.ANALYTICS = {
            "default": {
                "BACKEND": "mangaassist.analytics.backends.kinesis.KinesisStream",
                "OPTIONS": {"stream": outputs["KINESIS_ANALYTICS_STREAM"]},
            }
        }
        settings.FEEDBACK_QUEUES = {
            "default": {
                "BACKEND": "mangaassist.outbox.backends.sqs.SqsQueue",
                "OPTIONS": {"queue_url": outputs["FEEDBACK_QUEUE_URL"]},
            }
        }
        settings.MEMORY = {
            "default": {
                "BACKEND": "chat.backends.dynamodb.DynamoMemory",
                "OPTIONS": {"table": outputs["DYNAMODB_MEMORY_TABLE"]},
            }
        }
        settings.REINDEX_STREAMS = {
            "default": {
                "BACKEND": "mangaassist.outbox.backends.kinesis_stream.KinesisStream",
                "OPTIONS": {"stream": outputs["KINESIS_REINDEX_STREAM"]},
            }
        }
        settings.KNOWLEDGE_SOURCES = {
            "default": {
                "BACKEND": "knowledge.backends.s3.S3Source",
                "OPTIONS": {
                    "bucket": outputs["KNOWLEDGE_BUCKET"],
                    "events_queue_url": outputs["KNOWLEDGE_EVENTS_QUEUE_URL"],
                },
            }
        }
        yield outputs


@pytest.fixture
def calls(stack: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """(service, operation) of everything that the application asks of AWS."""
    made: set[tuple[str, str]] = set()
    original = aws.client

    def client(service: str, *args: Any, **more: Any) -> Any:
        found = original(service, *args, **more)
        found.meta.events.register(f"before-call.{service}", lambda model, **rest: made.add((service, str(model.name))))
        return found

    monkeypatch.setattr(aws, "client", client)
    return made


def test_a_conversation_runs_on_what_the_stack_created(stack: dict[str, str], calls: set[tuple[str, str]]) -> None:
    from asgiref.sync import async_to_sync

    load_small_catalogue()

    async def talk() -> str:
        async with Socket() as socket:
            await socket.hello(token())
            return str((await socket.answer("do you have Berserk volume 3?"))["message_id"])

    message = Message.objects.get(public_id=async_to_sync(talk)())
    save_feedback(message.conversation, str(message.public_id), Opinion(rating=1))
    buffer.flush()
    for topic in ("feedback", ANALYTICS_TOPIC, MEMORY_TOPIC):
        drain(topic)
    assert not OutboxMessage.objects.filter(topic__in=("feedback", ANALYTICS_TOPIC, MEMORY_TOPIC)).exclude(
        status="done"
    )

    assert consume("feedback") == 1
    assert Feedback.objects.get().processed_at is not None
    turn = Turn.objects.get()
    assert stores["default"].load(str(turn.conversation_id), after_turn=str(turn.pk)).lines
    assert streams["default"].put([{"record_id": "1", "event": "x", "session_id": "", "at": ""}]) == {}
    assert not _without_right(calls)
    assert ("sqs", "ReceiveMessage") in {(service, name) for service, name in calls}


def test_a_document_in_the_bucket_is_answered_from(stack: dict[str, str], calls: set[tuple[str, str]]) -> None:
    _let_the_bucket_tell(stack)
    boto3.client("s3").put_object(Bucket=stack["KNOWLEDGE_BUCKET"], Key="gifts/how.md", Body=b"We wrap gifts for free.")
    while consume("knowledge-events"):
        pass
    follow_changes()
    assert search_passages("do you wrap gifts?", "en")[0].text == "We wrap gifts for free."
    assert [listed.key for listed in knowledge_sources["default"].list()] == ["gifts/how.md"]
    assert not _without_right(calls)
    assert {("kinesis", "GetRecords"), ("s3", "GetObject")} <= calls


def _let_the_bucket_tell(stack: dict[str, str]) -> None:
    """As the template has it; moto's stacks leave notifications out."""
    sqs = boto3.client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=stack["KNOWLEDGE_EVENTS_QUEUE_URL"], AttributeNames=["QueueArn"])
    told = [{"QueueArn": attributes["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]
    boto3.client("s3").put_bucket_notification_configuration(
        Bucket=stack["KNOWLEDGE_BUCKET"], NotificationConfiguration={"QueueConfigurations": told}
    )


def _without_right(calls: set[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(service, RIGHT_OF.get(name, name)) for service, name in calls} - _rights()


def _statements(name: str = "shop-application") -> list[dict[str, Any]]:
    iam = boto3.client("iam")
    (policy,) = (each for each in iam.list_policies(Scope="Local")["Policies"] if each["PolicyName"] == name)
    version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
    statements: list[dict[str, Any]] = version["PolicyVersion"]["Document"]["Statement"]
    return statements


def _rights(name: str = "shop-application") -> set[tuple[str, str]]:
    statements = _statements(name)
    for statement in statements:
        assert "*" not in str(statement["Action"]), statement
        assert statement["Resource"] != "*", statement
    actions = [action for statement in statements for action in statement["Action"]]
    return {(service, name) for service, _, name in (action.partition(":") for action in actions)}


INSTANCE = "arn:aws:connect:us-east-1:123456789012:instance/11111111-2222-3333-4444-555555555555"


def test_with_a_contact_centre_its_words_arrive_by_topic_and_queue(settings: Any) -> None:
    """Amazon Connect's side of it is tested in test_connect.py: moto has no contacts."""
    with mock_aws():
        made = _make_stack(ConnectInstanceArn=INSTANCE)
        settings.HANDOFF_EVENTS_QUEUES = {
            "default": {
                "BACKEND": "mangaassist.outbox.backends.sqs.SqsQueue",
                "OPTIONS": {"queue_url": made["CONNECT_EVENTS_QUEUE_URL"]},
            }
        }
        boto3.client("sns").publish(TopicArn=made["CONNECT_STREAMING_TOPIC_ARN"], Message='{"no": "handoff of ours"}')
        # It waits for a contact that is not known yet: in the end it is a dead letter.
        assert consume("handoff-events") == 0
        policies = boto3.client("iam").list_policies(Scope="Local")["Policies"]
        assert {each["PolicyName"] for each in policies} == {"shop-application", "shop-contacts"}


def test_without_a_contact_centre_there_is_nothing_of_it(stack: dict[str, str]) -> None:
    assert not {name for name in stack if name.startswith("CONNECT")}


MODEL = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
VECTORS = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0"
GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123"


@pytest.mark.parametrize(
    ("parameters", "rights"),
    [
        (
            {"BedrockModelArns": f"{PROFILE},{MODEL}", "BedrockGuardrailArn": GUARDRAIL},
            {"model": ("InvokeModelWithResponseStream", [PROFILE, MODEL]), "guardrail": ("ApplyGuardrail", GUARDRAIL)},
        ),
        ({"BedrockEmbeddingModelArns": VECTORS}, {"embedding": ("InvokeModel", [VECTORS])}),
    ],
)
def test_models_may_be_asked_and_no_others(
    parameters: dict[str, str], rights: dict[str, tuple[str, str | list[str]]]
) -> None:
    with mock_aws():
        _make_stack(**parameters)
        names = {each["PolicyName"] for each in boto3.client("iam").list_policies(Scope="Local")["Policies"]}
        assert names == {"shop-application", *(f"shop-{name}" for name in rights)}
        for name, (action, resource) in rights.items():
            (statement,) = _statements(f"shop-{name}")
            assert (statement["Action"], statement["Resource"]) == ([f"bedrock:{action}"], resource)


async def test_what_is_asked_of_bedrock_is_what_the_policy_allows(
    monkeypatch: pytest.MonkeyPatch, calls: set[tuple[str, str]]
) -> None:
    _make_stack("models", Prefix="bedrock", BedrockModelArns=MODEL, BedrockEmbeddingModelArns=VECTORS)
    with fake_bedrock() as bedrock, fake_models() as models:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url)
        bedrock.events = answer("{{title:BERSERK-1}}.")
        await written(BedrockGenerator(model_id="amazon.nova-lite-v1:0"))
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", models.url)
        embedder = BedrockEmbedder(model_id="amazon.titan-embed-text-v2:0")
        embedder.embed_passages(["returns"])
    asked = {(service.removesuffix("-runtime"), RIGHT_OF.get(name, name)) for service, name in calls}
    assert asked == _rights("bedrock-model") | _rights("bedrock-embedding")


def test_without_bedrock_there_is_nothing_of_it(stack: dict[str, str]) -> None:
    assert {each["PolicyName"] for each in boto3.client("iam").list_policies(Scope="Local")["Policies"]} == {
        "shop-application"
    }


def test_the_queues_have_dead_letters(stack: dict[str, str]) -> None:
    sqs = boto3.client("sqs")
    for variable in ("FEEDBACK_QUEUE_URL", "KNOWLEDGE_EVENTS_QUEUE_URL"):
        attributes = sqs.get_queue_attributes(QueueUrl=stack[variable], AttributeNames=["All"])["Attributes"]
        assert "dead" in attributes["RedrivePolicy"]


def test_what_moto_does_not_make_stands_in_the_template() -> None:
    from cfnlint.decode.cfn_yaml import load

    resources = load(str(TEMPLATE))["Resources"]
    ttl = resources["MemoryTable"]["Properties"]["TimeToLiveSpecification"]
    assert ttl == {"AttributeName": "expires_at", "Enabled": True}
    told = resources["KnowledgeBucket"]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    assert {each["Event"] for each in told} == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}
    assert all(each["Queue"] == {"Fn::GetAtt": ["KnowledgeEventsQueue", "Arn"]} for each in told)


def test_every_variable_of_an_output_is_one_that_the_settings_know(stack: dict[str, str]) -> None:
    folder = Path(django_settings.BASE_DIR) / "mangaassist" / "settings"
    source = "".join(each.read_text() for each in folder.glob("*.py"))
    variables = {name for name in stack if name.isupper()}
    assert len(variables) == 7
    assert all(f'"{name}"' in source for name in variables)


def test_workers_find_their_queues_by_the_prefix(stack: dict[str, str]) -> None:
    prefix = stack["CELERY_SQS_URL_PREFIX"]
    urls = set(boto3.client("sqs").list_queues()["QueueUrls"])
    assert {prefix + name for name in ("interactive", "delivery", "batch")} <= urls
