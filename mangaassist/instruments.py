"""What is counted and timed, for Prometheus; whoever does the work counts it here. Imports no Django: beat counts too.

Labels have few values, whatever shoppers send: names of ours, never an id, an address or a word of theirs. Each
process has its own numbers (docs/deployment.md, Metrics).
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_PATIENT = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)

# --- Shoppers

question_accepted_seconds = Histogram(
    "mangaassist_question_accepted_seconds", "From a question's frame to its acknowledgement.", buckets=_QUICK
)
first_frame_seconds = Histogram(
    "mangaassist_turn_first_frame_seconds", "From an accepted question to the turn's first frame.", buckets=_QUICK
)
frames_refused = Counter("mangaassist_frames_refused", "Frames of shoppers that were refused, by error code.", ["code"])
# Somebody is called for these: Prometheus sees the first one rise only where it has seen a zero.
for _code in ("unavailable", "internal"):
    frames_refused.labels(code=_code)
sockets_closed = Counter("mangaassist_sockets_closed", "Sockets that we have closed, by close code.", ["kind", "code"])
sockets_resumed = Counter("mangaassist_sockets_resumed", "Shoppers that came back and asked for what they missed.")

# --- Turns

turn_seconds = Histogram(
    "mangaassist_turn_seconds",
    "Time from a question to its whole answer.",
    ["status"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
turn_first_delta_seconds = Histogram(
    "mangaassist_turn_first_delta_seconds", "Time from a question to the first words of its answer.", buckets=_PATIENT
)
turn_step_seconds = Histogram("mangaassist_turn_step_seconds", "Time of a turn's steps.", ["step"], buckets=_QUICK)
turn_steps_failed = Counter(
    "mangaassist_turn_steps_failed", "Steps that were cut or broke; the answer went on without them.", ["step"]
)
turns_taken_over = Counter("mangaassist_turns_taken_over", "Turns of other processes that this one has gone on with.")
turns_lost = Counter("mangaassist_turns_lost", "Turns of this process that another one has gone on with.")
turns_left = Counter("mangaassist_turns_left", "Turns that nobody went on with: ended with an honest word.")

# --- Models

generator_tokens = Counter(
    "mangaassist_generator_tokens",
    "Tokens of models: read and written, and of those read what came out of (cached) or went into (stored) a cache.",
    ["generator", "kind"],
)
generator_cost = Counter(
    "mangaassist_generator_cost_dollars", "What models cost, by the prices that are set.", ["generator"]
)
generator_fallbacks = Counter(
    "mangaassist_generator_fallbacks", "Answers that the composer gave in a model's place.", ["generator"]
)
sentences_refused = Counter(
    "mangaassist_sentences_refused", "Sentences that did not leave, by the guard that refused them.", ["guard"]
)
recommendations = Counter(
    "mangaassist_recommendations",
    "Rankings by engine (database: none of them answered); degraded: one before it had failed.",
    ["engine", "degraded"],
)

# --- Outbox, people, partners

outbox_deliveries = Counter(
    "mangaassist_outbox_deliveries",
    "Attempts by how they ended: done, failed (tried again), away (an outage), parked.",
    ["topic", "outcome"],
)
handoffs = Counter("mangaassist_handoffs", "Requests for a person, by the state that they came to.", ["status"])
handoff_wait_seconds = Histogram(
    "mangaassist_handoff_wait_seconds",
    "From the request to the first agent.",
    buckets=(5, 15, 30, 60, 120, 300, 600, 1800, 3600),
)
webhook_attempts = Counter(
    "mangaassist_webhook_attempts", "Attempts to reach partners' receivers: taken, refused, unreachable.", ["outcome"]
)
webhook_attempt_seconds = Histogram("mangaassist_webhook_attempt_seconds", "How long receivers took.", buckets=_PATIENT)
webhooks_switched_off = Counter("mangaassist_webhooks_switched_off", "Webhooks that we have switched off.")

# --- Processes

loop_lag_seconds = Histogram(
    "mangaassist_event_loop_lag_seconds",
    "How late the web server's event loop comes back to a timer.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
database_wait_seconds = Histogram(
    "mangaassist_database_wait_seconds", "How long work waited for a thread of the database's.", buckets=_QUICK
)
executor_wait_seconds = Histogram(
    "mangaassist_executor_wait_seconds", "The same of a dependency's own threads.", ["executor"], buckets=_QUICK
)
executor_refusals = Counter(
    "mangaassist_executor_refusals", "Calls that found all threads and places of a dependency taken.", ["executor"]
)
tasks_sent = Counter("mangaassist_tasks_sent", "Tasks that this process gave to the broker.", ["task"])
task_seconds = Histogram(
    "mangaassist_task_seconds",
    "How long tasks took, by how they ended.",
    ["task", "state"],
    buckets=(0.01, 0.1, 0.5, 1, 5, 30, 120, 600, 3600),
)
