"""The turn and the sockets, and how the recommender learns."""

from __future__ import annotations

from mangaassist import environment
from mangaassist.settings.roles import GENERATORS

# What a step should take, seconds: over it, the trace marks it.
TURN_BUDGETS_S = {
    "understand": 0.020,
    "products": 0.050,
    "recommendations": 0.200,
    "generate": 1.5,
    "guard": 0.100,
}
# What a step may take, seconds: then the answer goes on without it (contract, promise 4).
TURN_LIMITS_S = {
    "products": environment.number("PRODUCTS_LIMIT_S", 0.5, low=0.01, high=30),
    "recommendations": environment.number("RECOMMENDATIONS_LIMIT_S", 0.6, low=0.01, high=30),
    "passages": environment.number("PASSAGES_LIMIT_S", 0.5, low=0.01, high=30),
    "first_token": environment.number("FIRST_TOKEN_LIMIT_S", 5, low=0.1, high=60),
    "token_gap": environment.number("TOKEN_GAP_LIMIT_S", 5, low=0.1, high=60),
    "turn": environment.number("TURN_LIMIT_S", 30, low=1, high=120),
}
# How many turns a web process works on at once, and how many more may wait for a place (chat/room.py). Our own composer
# computes, so that more at once only make each other late; a model is waited for.
_TURNS_AT_ONCE = 12 if GENERATORS["default"]["BACKEND"] == "chat.backends.composer.ComposerGenerator" else 200
TURNS_AT_ONCE = int(environment.number("TURNS_AT_ONCE", _TURNS_AT_ONCE, low=1, high=100_000))
TURNS_WAITING = int(environment.number("TURNS_WAITING", 64, low=1, high=100_000))
# How fast one socket may send, after a burst of four (frames) or twenty (questions) seconds' worth.
SOCKET_FRAMES_PER_S = int(environment.number("SOCKET_FRAMES_PER_S", 10, low=1, high=100_000))
SOCKET_QUESTIONS_PER_S = environment.number("SOCKET_QUESTIONS_PER_S", 1, low=0.1, high=10_000)
# The same from one network address, over all processes. Many shoppers may sit behind one.
ADDRESS_QUESTIONS_PER_S = environment.number("ADDRESS_QUESTIONS_PER_S", 10, low=0.1, high=100_000)
ADDRESS_HELLOS_PER_S = environment.number("ADDRESS_HELLOS_PER_S", 20, low=0.1, high=100_000)
# Open sockets of one process: all, of one network address, and of all that have not said hello.
SOCKETS_PER_PROCESS = int(environment.number("SOCKETS_PER_PROCESS", 20_000, low=1, high=1_000_000))
SOCKETS_PER_ADDRESS = int(environment.number("SOCKETS_PER_ADDRESS", 1_000, low=1, high=1_000_000))
SOCKETS_WITHOUT_HELLO = int(environment.number("SOCKETS_WITHOUT_HELLO", 1_000, low=1, high=1_000_000))
# Proxies of ours, whose X-Forwarded-For is believed. Without them a proxy is one address with one share.
TRUSTED_PROXIES = environment.networks("TRUSTED_PROXIES")
WIDGET_TOKEN_TTL_S = 900
# An anonymous shopper keeps the conversation this long.
WIDGET_TOKEN_RENEWAL_S = 30 * 24 * 3600
LOW_STOCK_AT = int(environment.number("LOW_STOCK_AT", 5, low=1, high=1000))
RECOMMENDER_TRAIN_EVERY_H = environment.number("RECOMMENDER_TRAIN_EVERY_H", 24, low=0.1, high=24 * 30)
# After an import of at least so many new interactions it trains as well.
RECOMMENDER_TRAIN_AFTER = int(environment.number("RECOMMENDER_TRAIN_AFTER", 1_000, low=1, high=1e9))
# A new model may find at most this share less than the one in force.
RECOMMENDER_MAX_LOSS = environment.number("RECOMMENDER_MAX_LOSS", 0.2, low=0, high=1)
# The share of discoveries that goes to new series; 0: none.
RECOMMENDER_EXPLORE_SHARE = environment.number("RECOMMENDER_EXPLORE_SHARE", 0.05, low=0, high=0.3)
