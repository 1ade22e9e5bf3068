"""Roles and their backends, by role and name (contract: roles and backends)."""

from __future__ import annotations

from typing import Any

from mangaassist import environment
from mangaassist.settings.basis import EMBEDDED

# role: (embedded default, aws default, {short name: dotted path})
_ROLES: dict[str, tuple[str, str, dict[str, str]]] = {
    "RECOMMENDER": (
        "local",
        "personalize",
        {
            "local": "recommendations.backends.local.LocalEngine",
            "personalize": "recommendations.backends.personalize.PersonalizeRecommender",
        },
    ),
    "GENERATOR": (
        "composer",
        "bedrock",
        {
            "composer": "chat.backends.composer.ComposerGenerator",
            "bedrock": "chat.backends.bedrock.BedrockGenerator",
            "openai": "chat.backends.openai.OpenAIGenerator",
        },
    ),
    "OFFERS": ("database", "database", {"database": "shop.backends.database.DatabaseOffers"}),
    "ORDERS": ("database", "database", {"database": "shop.backends.database.DatabaseOrders"}),
    "MEMORY": (
        "database",
        "dynamodb",
        {"database": "chat.backends.database.DatabaseMemory", "dynamodb": "chat.backends.dynamodb.DynamoMemory"},
    ),
    "ANALYTICS": (
        "database",
        "kinesis",
        {
            "database": "mangaassist.analytics.backends.database.DatabaseStream",
            "kinesis": "mangaassist.analytics.backends.kinesis.KinesisStream",
        },
    ),
    "FEEDBACK_QUEUE": (
        "database",
        "sqs",
        {
            "database": "mangaassist.outbox.backends.database.DatabaseQueue",
            "sqs": "mangaassist.outbox.backends.sqs.SqsQueue",
        },
    ),
    "REINDEX_STREAM": (
        "database",
        "kinesis",
        {
            "database": "mangaassist.outbox.backends.database_stream.DatabaseStream",
            "kinesis": "mangaassist.outbox.backends.kinesis_stream.KinesisStream",
        },
    ),
    "KNOWLEDGE_SOURCE": (
        "folder",
        "s3",
        {"folder": "knowledge.backends.folder.FolderSource", "s3": "knowledge.backends.s3.S3Source"},
    ),
    # Whose vectors find passages by what they mean, beside their words (docs/knowledge.md).
    "EMBEDDER": (
        "none",
        "none",
        {
            "none": "",
            "bedrock": "knowledge.backends.bedrock_embedder.BedrockEmbedder",
            "openai": "knowledge.backends.openai_embedder.OpenAIEmbedder",
        },
    ),
    "HANDOFF": (
        "desk",
        "connect",
        {"desk": "escalation.backends.desk.Desk", "connect": "escalation.backends.connect.Connect"},
    ),
}
# Options that have an environment variable of their own: (role, short name) → {option: variable}.
_ROLE_VARIABLES: dict[tuple[str, str], dict[str, str]] = {
    ("RECOMMENDER", "personalize"): {
        "campaign_arn": "PERSONALIZE_CAMPAIGN_ARN",
        "similar_items_campaign_arn": "PERSONALIZE_SIMILAR_ITEMS_CAMPAIGN_ARN",
        "popularity_campaign_arn": "PERSONALIZE_POPULARITY_CAMPAIGN_ARN",
        "in_stock_filter_arn": "PERSONALIZE_IN_STOCK_FILTER_ARN",
        "ranking_campaign_arn": "PERSONALIZE_RANKING_CAMPAIGN_ARN",
        "tracking_id": "PERSONALIZE_TRACKING_ID",
        "items_dataset_arn": "PERSONALIZE_ITEMS_DATASET_ARN",
        "users_dataset_arn": "PERSONALIZE_USERS_DATASET_ARN",
        "dataset_group_arn": "PERSONALIZE_DATASET_GROUP_ARN",
        "deletion_location": "PERSONALIZE_DELETION_LOCATION",
        "deletion_role_arn": "PERSONALIZE_DELETION_ROLE_ARN",
    },
    ("GENERATOR", "bedrock"): {
        "model_id": "BEDROCK_MODEL_ID",
        "guardrail_id": "BEDROCK_GUARDRAIL_ID",
        "guardrail_version": "BEDROCK_GUARDRAIL_VERSION",
    },
    ("GENERATOR", "openai"): {"base_url": "OPENAI_BASE_URL", "api_key": "OPENAI_API_KEY", "model": "OPENAI_MODEL"},
    ("MEMORY", "dynamodb"): {"table": "DYNAMODB_MEMORY_TABLE"},
    ("ANALYTICS", "kinesis"): {"stream": "KINESIS_ANALYTICS_STREAM"},
    ("FEEDBACK_QUEUE", "sqs"): {"queue_url": "FEEDBACK_QUEUE_URL"},
    ("REINDEX_STREAM", "kinesis"): {"stream": "KINESIS_REINDEX_STREAM"},
    ("KNOWLEDGE_SOURCE", "s3"): {"bucket": "KNOWLEDGE_BUCKET", "events_queue_url": "KNOWLEDGE_EVENTS_QUEUE_URL"},
    ("EMBEDDER", "bedrock"): {"model_id": "BEDROCK_EMBEDDING_MODEL_ID"},
    ("EMBEDDER", "openai"): {
        "base_url": "EMBEDDINGS_BASE_URL",
        "api_key": "EMBEDDINGS_API_KEY",
        "model": "EMBEDDINGS_MODEL",
    },
    ("HANDOFF", "connect"): {
        "instance_id": "CONNECT_INSTANCE_ID",
        "contact_flow_id": "CONNECT_CONTACT_FLOW_ID",
        "queue_id": "CONNECT_QUEUE_ID",
        "kind": "CONNECT_CONTACT_KIND",
        "fallback": "CONNECT_FALLBACK",
        "streaming_topic_arn": "CONNECT_STREAMING_TOPIC_ARN",
        "desk_url": "CONNECT_DESK_URL",
    },
}


ROLES = tuple(_ROLES)
# The same by the backend's dotted path, for the system checks.
OPTION_VARIABLES = {_ROLES[role][2][name]: variables for (role, name), variables in _ROLE_VARIABLES.items()}
# Those that their backend cannot do without.
REQUIRED_VARIABLES = {
    "PERSONALIZE_CAMPAIGN_ARN",
    "BEDROCK_MODEL_ID",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
    "KINESIS_ANALYTICS_STREAM",
    "FEEDBACK_QUEUE_URL",
    "DYNAMODB_MEMORY_TABLE",
    "KINESIS_REINDEX_STREAM",
    "KNOWLEDGE_BUCKET",
    "BEDROCK_EMBEDDING_MODEL_ID",
    "EMBEDDINGS_BASE_URL",
    "EMBEDDINGS_MODEL",
    "CONNECT_INSTANCE_ID",
    "CONNECT_CONTACT_FLOW_ID",
}


def _role(role: str) -> dict[str, dict[str, Any]]:
    """The role's setting; empty for a role that may have no backend."""
    for_embedded, for_aws, backends = _ROLES[role]
    name = environment.text(
        role,
        for_embedded if EMBEDDED else for_aws,
        kind=", ".join(f"`{each}`" for each in backends) + " or a dotted path",
        shown=for_embedded if for_embedded == for_aws else f"{for_embedded}; {for_aws} in the aws profile",
    )
    if name not in backends and "." not in name:
        environment.faults.append(
            f"{role}={name!r} is unknown; choose one of {', '.join(backends)} or give a dotted path."
        )
        name = for_embedded
    # A dotted path of ours is the same backend, with the same variables.
    name = next((short for short, path in backends.items() if path == name), name)
    if not backends.get(name, name):
        return {}
    variables = _ROLE_VARIABLES.get((role, name), {})
    options = {option: environment.text(variable) for option, variable in variables.items()}
    return {
        "default": {
            "BACKEND": backends.get(name, name),
            "OPTIONS": {key: value for key, value in options.items() if value} | environment.options(f"{role}_OPTIONS"),
        }
    }


# The fallback answers while the configured engine cannot.
RECOMMENDERS = _role("RECOMMENDER") | {
    "fallback": {"BACKEND": "recommendations.backends.local.LocalEngine", "OPTIONS": {}}
}
GENERATORS = _role("GENERATOR")
if bool(environment.text("BEDROCK_GUARDRAIL_ID")) != bool(environment.text("BEDROCK_GUARDRAIL_VERSION")):
    environment.faults.append("BEDROCK_GUARDRAIL_ID and BEDROCK_GUARDRAIL_VERSION go together: set both or none.")
if not (environment.text("OPENAI_BASE_URL") or "http://").startswith(("http://", "https://")):
    environment.faults.append("OPENAI_BASE_URL must look like http://host:port/v1.")
OFFERS = _role("OFFERS")
ORDERS = _role("ORDERS")
MEMORY = _role("MEMORY")
ANALYTICS = _role("ANALYTICS")
FEEDBACK_QUEUES = _role("FEEDBACK_QUEUE")
REINDEX_STREAMS = _role("REINDEX_STREAM")
KNOWLEDGE_SOURCES = _role("KNOWLEDGE_SOURCE")
EMBEDDERS = _role("EMBEDDER")
if not (environment.text("EMBEDDINGS_BASE_URL") or "http://").startswith(("http://", "https://")):
    environment.faults.append("EMBEDDINGS_BASE_URL must look like http://host:port/v1.")
HANDOFFS = _role("HANDOFF")
# What comes back from a contact centre.
_handoff_events_url = environment.text("CONNECT_EVENTS_QUEUE_URL")
HANDOFF_EVENTS_QUEUES: dict[str, dict[str, Any]] = (
    {
        "default": {
            "BACKEND": "mangaassist.outbox.backends.sqs.SqsQueue",
            "OPTIONS": {"queue_url": _handoff_events_url},
        }
    }
    if _handoff_events_url
    else {}
)
