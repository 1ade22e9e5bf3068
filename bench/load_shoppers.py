"""Shoppers of the load generator, in a process of their own: ``python -m bench.load_shoppers ROLE CONFIGURATION``.

``talking``: shoppers who hold golden conversations and think in between. ``idle``: open sockets that say only what an
open widget says. ``rising``: questions at a growing rate, until and beyond what the shop can answer. Each shopper comes
from a network address of their own (all of 127.0.0.0/8 is this machine), so that the limits of addresses stay on.

Results are lines of JSON on the standard output. SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import math
import random
import signal
import sys
import time
import uuid
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import jwt
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.journeys.golden.reading import Journey, read_journeys

Frame = dict[str, Any]
THINKS_S = (4.0, 10.0)
ANSWERED_WITHIN_S = 60.0
OPENING_AT_ONCE = 20
# Below the burst of hellos that one address may say (ADDRESS_HELLOS_PER_S x 20), and its questions.
IDLE_PER_ADDRESS = 300
RISING_PER_ADDRESS = 10
# A rising load: the first rate (turns/s), how it grows, and where it surely ends.
FIRST_RATE = 8.0
GROWTH = 1.4
HIGHEST_RATE = 2_000.0
POOL = 1_000
# A step is saturated when more than this share is refused, when of those asked a second or more before its end less
# than that share is answered by then, or when p99 is over.
REFUSED_SHARE = 0.01
ANSWERED_SHARE = 0.9
LONGEST_P99_MS = 5_000.0
ANSWER_TAKES_S = 1.0
# The first of a step fill what is empty: answers are counted after this share of it.
FILLING_SHARE = 0.25
LOST = (ConnectionClosed, InvalidHandshake, InvalidMessage, OSError, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    port: int
    identity_key: str
    # Whom the shop knows.
    customers: list[str]
    shoppers: int = 0
    step_s: float = 20.0
    seed: int = 1


class Refused(Exception):
    """The shop is busy and says when to come back (seconds)."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"busy, come back in {retry_after_s:.1f} s")
        self.retry_after_s = retry_after_s


class Wrong(Exception):
    """What must not happen: the text says what."""


@dataclass(slots=True)
class Times:
    """Milliseconds from sending a question."""

    accepted: float = 0.0
    typing: float = 0.0
    first_delta: float = 0.0
    final: float = 0.0


def quantile(values: list[float], share: float) -> float:
    """The value that ``share`` (0-1) of them do not exceed; 0 without any."""
    return sorted(values)[math.ceil(share * len(values)) - 1] if values else 0.0


def tell(**line: Any) -> None:
    sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()


def addresses(network: int, each: int) -> Iterator[str]:
    """Addresses of 127.``network``.0.0/16, every one ``each`` times."""
    for number in range(2, 65_000):
        for _ in range(each):
            yield f"127.{network}.{number >> 8}.{number & 255}"


# --- One shopper


class Shopper:
    """A conversation on a socket from ``address``."""

    def __init__(self, configuration: Configuration, address: str) -> None:
        self._configuration = configuration
        self._address = address
        self._socket: ClientConnection | None = None
        self.heartbeat_s = 25.0
        # A person answers now: no turn can be awaited any more.
        self.with_person = False

    async def open(self, *, customer: str = "", context: dict[str, str] | None = None) -> None:
        body: dict[str, Any] = {"context": context or {}}
        if customer:
            claims = {"sub": customer, "exp": int(time.time()) + 600}
            body["identity"] = jwt.encode(claims, self._configuration.identity_key, algorithm="HS256")
        token = (await self._post("/widget/v1/token", body))["token"]
        self.with_person = False
        self._socket = await connect(
            f"ws://127.0.0.1:{self._configuration.port}/ws/chat/",
            local_addr=(self._address, 0),
            compression=None,
            ping_interval=None,
            open_timeout=60,
            close_timeout=1,
        )
        await self.send(type="hello", v=1, token=token, caps=["stream", "cards"])
        while (frame := await self.receive(ANSWERED_WITHIN_S))["type"] != "ready":
            _refuse_errors(frame)
        self.heartbeat_s = float(frame["heartbeat_s"])

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def send(self, **frame: Any) -> None:
        assert self._socket is not None
        await self._socket.send(orjson.dumps(frame).decode())

    async def receive(self, within_s: float) -> Frame:
        assert self._socket is not None
        async with asyncio.timeout(within_s):
            frame: Frame = orjson.loads(await self._socket.recv())
        return frame

    async def ask(self, text: str) -> Times | None:
        """None when a person is to answer. Raises :class:`Refused` and :class:`Wrong`."""
        sent, times, seq, turn_id = str(uuid.uuid4()), Times(), 0, ""
        began = time.perf_counter()
        await self.send(type="user_message", client_msg_id=sent, text=text)
        until = began + ANSWERED_WITHIN_S
        while True:
            frame = await self.receive(max(0.01, until - time.perf_counter()))
            now = (time.perf_counter() - began) * 1000
            kind = frame["type"]
            if kind == "accepted":
                times.accepted, turn_id = now, frame["turn_id"]
                if turn_id is None:
                    return None
            elif kind == "error":
                _refuse_errors(frame)
            elif kind == "handoff_state" and frame["state"] != "bot":
                self.with_person = True
            if "seq" not in frame or frame["turn_id"] != turn_id:
                continue
            seq += 1
            if frame["seq"] != seq:
                raise Wrong(f"frame {frame['seq']} in place {seq}")
            times.typing = times.typing or now
            if kind == "delta":
                times.first_delta = times.first_delta or now
            if kind == "response":
                if frame["status"] != "complete":
                    raise Wrong(f"answered as {frame['status']}: {text}")
                times.final = now
                times.first_delta = times.first_delta or now
                return times

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """By hand: an HTTP library has no cheap way to choose the address."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._configuration.port, local_addr=(self._address, 0)
        )
        try:
            content = orjson.dumps(body)
            head = f"POST {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                answer = await reader.read()
        finally:
            writer.close()
        status, _, rest = answer.partition(b"\r\n")
        if b" 200 " not in status + b" ":
            raise Wrong(f"{path}: {status.decode('latin-1')}")
        found: dict[str, Any] = orjson.loads(rest.partition(b"\r\n\r\n")[2])
        return found


def _refuse_errors(frame: Frame) -> None:
    if frame["type"] != "error":
        return
    if frame["code"] == "busy" and frame["retryable"] and frame.get("retry_after_ms", 0) > 0:
        raise Refused(frame["retry_after_ms"] / 1000)
    raise Wrong(f"error {frame['code']}: {frame['message']}")


# --- Who talks


async def talk(configuration: Configuration) -> None:
    """Until it is ended."""
    journeys = read_journeys()
    where = addresses(10, 1)
    people = [
        _talk_on(configuration, journeys, next(where), configuration.seed * 1_000 + number)
        for number in range(configuration.shoppers)
    ]
    await asyncio.gather(*people)


async def _talk_on(configuration: Configuration, journeys: list[Journey], address: str, seed: int) -> None:
    dice = random.Random(seed)
    await asyncio.sleep(dice.uniform(0, THINKS_S[1]))
    while True:
        journey = dice.choice(journeys)
        shopper = Shopper(configuration, address)
        try:
            customer = dice.choice(configuration.customers) if journey.customer else ""
            await shopper.open(customer=customer, context=_page(journey))
            await _hold(shopper, journey, dice)
        except Refused:
            tell(refused=1)
            await asyncio.sleep(dice.uniform(*THINKS_S))
        except (Wrong, *LOST) as error:
            tell(error=f"{type(error).__name__}: {error}", journey=journey.name)
            await asyncio.sleep(1)
        finally:
            with suppress(*LOST):
                await shopper.close()


async def _hold(shopper: Shopper, journey: Journey, dice: random.Random) -> None:
    for said in journey.turns:
        until = time.monotonic() + dice.uniform(*THINKS_S)
        while (left := until - time.monotonic()) > 0:
            # What comes unasked is read by a widget as well.
            with suppress(TimeoutError):
                _refuse_errors(await shopper.receive(left))
        times = await shopper.ask(said.text)
        if times is not None:
            tell(turn=asdict(times))
        if times is None or shopper.with_person:
            return


def _page(journey: Journey) -> dict[str, str]:
    kind, found, id = journey.page.partition("/")
    if not journey.page:
        return {}
    return {"series": id} if found and kind == "series" else {"asin": journey.page}


# --- Who only sits there


async def sit(configuration: Configuration) -> None:
    """Until it is ended."""
    at_once = asyncio.Semaphore(OPENING_AT_ONCE)
    where = addresses(20, IDLE_PER_ADDRESS)
    opened = 0

    async def one(address: str) -> None:
        nonlocal opened
        shopper = Shopper(configuration, address)
        try:
            async with at_once:
                await shopper.open()
            opened += 1
            if opened % 100 == 0 or opened == configuration.shoppers:
                tell(opened=opened)
            while True:
                try:
                    _refuse_errors(await shopper.receive(shopper.heartbeat_s))
                except TimeoutError:
                    await shopper.send(type="ping", t=1)
        except (Wrong, Refused, *LOST) as error:
            tell(error=f"{type(error).__name__}: {error}", journey="an idle socket")

    await asyncio.gather(*(one(next(where)) for _ in range(configuration.shoppers)))


# --- A load that rises


@dataclass(slots=True)
class Step:
    """What became of the questions of one rate. Times in milliseconds, rates per second."""

    rate: float
    seconds: float
    offered: int = 0
    # Asked early enough to be answered by its end, and those that were answered by then.
    offered_early: int = 0
    answered: int = 0
    # Answers of its time without the filling.
    answered_full: int = 0
    # There was nobody left to ask: the generator's fault.
    missed: int = 0
    refused: int = 0
    wrong: int = 0
    unanswered: int = 0
    accepted: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)

    @property
    def throughput(self) -> float:
        return self.answered_full / (self.seconds * (1 - FILLING_SHARE))

    def is_saturated(self) -> bool:
        return (
            self.refused > REFUSED_SHARE * self.offered
            or self.answered < ANSWERED_SHARE * self.offered_early
            or quantile(self.final, 0.99) > LONGEST_P99_MS
        )

    def told(self) -> dict[str, Any]:
        counted = {
            name: getattr(self, name) for name in ("rate", "offered", "missed", "refused", "wrong", "unanswered")
        }
        return counted | {
            "throughput": self.throughput,
            "saturated": self.is_saturated(),
            "accepted_p50": quantile(self.accepted, 0.5),
            "accepted_p99": quantile(self.accepted, 0.99),
            "final_p50": quantile(self.final, 0.5),
            "final_p99": quantile(self.final, 0.99),
            "refusal_p99": quantile(self.refusals, 0.99),
        }


class Rising:
    """Questions come at their rate, whatever became of those before: people do not wait for one another."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._dice = random.Random(configuration.seed)
        self._questions = [said.text for journey in read_journeys() for said in journey.turns]
        self._free: deque[Shopper] = deque()

    async def rise(self) -> None:
        await self._open()
        knee, rate = None, FIRST_RATE
        while rate <= HIGHEST_RATE:
            step = await self._run(rate)
            if step.is_saturated():
                break
            knee, rate = step, rate * GROWTH
        if knee is not None and step.is_saturated():
            between = await self._run(math.sqrt(knee.rate * rate))
            knee = knee if between.is_saturated() else between
        knee = knee or step
        tell(knee=knee.rate, throughput=knee.throughput)
        await self._run(2 * knee.rate)
        # And afterwards, as if nothing had been.
        await self._run(knee.rate / 2)

    async def _open(self) -> None:
        at_once = asyncio.Semaphore(OPENING_AT_ONCE)
        where = addresses(30, RISING_PER_ADDRESS)

        async def one(address: str) -> None:
            async with at_once:
                shopper = Shopper(self._configuration, address)
                await shopper.open()
                self._free.append(shopper)

        await asyncio.gather(*(one(next(where)) for _ in range(POOL)))

    async def _run(self, rate: float) -> Step:
        step = Step(rate=rate, seconds=self._configuration.step_s)
        asked: set[asyncio.Task[None]] = set()
        began = due = time.monotonic()
        ends = began + step.seconds
        while (due := due + self._dice.expovariate(rate)) < ends:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not self._free:
                step.missed += 1
                continue
            step.offered += 1
            step.offered_early += due < ends - ANSWER_TAKES_S
            task = asyncio.create_task(self._ask(self._free.popleft(), step, began))
            asked.add(task)
            task.add_done_callback(asked.discard)
        await asyncio.sleep(max(0.0, ends - time.monotonic()))
        if asked:
            await asyncio.wait(asked)
        tell(step=step.told())
        return step

    async def _ask(self, shopper: Shopper, step: Step, step_began: float) -> None:
        began = time.perf_counter()
        back_in_s = 0.0
        try:
            times = await shopper.ask(self._dice.choice(self._questions))
            after_s = time.monotonic() - step_began
            step.answered += after_s <= step.seconds
            step.answered_full += FILLING_SHARE * step.seconds <= after_s <= step.seconds
            if times is not None:
                step.accepted.append(times.accepted)
                step.final.append(times.final)
            if shopper.with_person or times is None:
                await shopper.close()
                await shopper.open()
        except Refused as refused:
            step.refused += 1
            step.refusals.append((time.perf_counter() - began) * 1000)
            back_in_s = refused.retry_after_s
        except TimeoutError:
            step.unanswered += 1
            return
        except (Wrong, *LOST) as error:
            step.wrong += 1
            tell(error=f"{type(error).__name__}: {error}", journey=f"{step.rate:.0f} questions/s")
            return
        asyncio.get_running_loop().call_later(back_in_s, self._free.append, shopper)


async def rise(configuration: Configuration) -> None:
    """To twice the knee and back."""
    await Rising(configuration).rise()


ROLES = {"talking": talk, "idle": sit, "rising": rise}


def main(role: str, configuration: str) -> None:
    # A terminal's Ctrl-C is for the one who started this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(asyncio.CancelledError):
        asyncio.run(_until_ended(ROLES[role](Configuration(**orjson.loads(configuration)))))


async def _until_ended(work: Coroutine[Any, Any, None]) -> None:
    """Until it is done, or SIGTERM."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


if __name__ == "__main__":
    main(*sys.argv[1:])
