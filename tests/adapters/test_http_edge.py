"""What every source may rely on: one time budget, bounded retries, waits as asked, and errors that hold no secret."""

import asyncio
import gzip
import traceback
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from wire_samples import KEY, NOW_S, QUICK, MovingClock, edge, run

from bethna_cli.adapters.http import HttpSource, Limits, Manners, at_once, checked_base_url
from bethna_cli.domain.errors import (
    ConfigurationError,
    SourceDisabled,
    SourceMalformed,
    SourceRateLimited,
    SourceUnavailable,
)


class Script:
    """A service that gives one answer after the other, and the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Stopwatch:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.at_s = 1000.0

    def __call__(self) -> float:
        return self.at_s


def source(handler: object, limits: Limits | None = None, **more: object) -> HttpSource:
    return HttpSource(edge(handler, limits), "venue", "https://venue.example", headers={"Authorization": KEY}, **more)


def good(**headers: str) -> httpx.Response:
    return httpx.Response(200, json={"price": 1}, headers=headers)


@pytest.mark.parametrize("failure", [httpx.Response(500), httpx.Response(503), httpx.ConnectError("refused")])
def test_a_failure_that_may_pass_is_asked_again(failure: httpx.Response | Exception) -> None:
    service = Script(failure, failure, good())

    answer = run(source(service).get_json("/x"))

    assert answer.data == {"price": 1}
    assert service.asked == 3


def test_three_attempts_are_all_and_the_error_says_what_was_answered() -> None:
    service = Script(httpx.Response(502))

    with pytest.raises(SourceUnavailable, match="venue: it answered 502"):
        run(source(service).get_json("/x"))
    assert service.asked == 3


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, SourceUnavailable), (401, SourceDisabled), (403, SourceDisabled), (404, SourceUnavailable)],
)
def test_a_refusal_is_final(status: int, error: type[SourceUnavailable]) -> None:
    service = Script(httpx.Response(status, text="no"))

    with pytest.raises(SourceUnavailable) as caught:
        run(source(service).get_json("/x"))
    assert type(caught.value) is error
    assert service.asked == 1


def test_the_time_budget_ends_a_slow_answer() -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(10)
        return good()

    with pytest.raises(SourceUnavailable, match=r"no answer within 0\.25 s"):
        run(source(slow, QUICK).get_json("/x"))


def test_the_time_budget_holds_for_all_attempts_together() -> None:
    async def slow_failure(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.2)
        return httpx.Response(500)

    service = source(slow_failure, Limits(budget_s=0.5, attempts=100))

    with pytest.raises(SourceUnavailable, match="it answered 500"):
        run(service.get_json("/x"))


def test_when_the_budget_ends_it_says_what_happened_last() -> None:
    answers = [httpx.Response(500), httpx.Response(502)]

    async def worse_and_worse(request: httpx.Request) -> httpx.Response:
        if not answers:
            await asyncio.sleep(10)
        return answers.pop(0)

    with pytest.raises(SourceUnavailable, match="it answered 502"):
        run(source(worse_and_worse, Limits(budget_s=2)).get_json("/x"))


def test_a_wait_longer_than_the_budget_is_not_waited_for() -> None:
    service = Script(httpx.Response(429, headers={"Retry-After": "40"}))

    with pytest.raises(SourceRateLimited):
        run(source(service, Limits(budget_s=30)).get_json("/x"))
    assert service.asked == 1


def test_a_redirect_is_not_followed() -> None:
    service = Script(httpx.Response(302, headers={"Location": "https://elsewhere.example/"}))

    with pytest.raises(SourceUnavailable, match="it answered 302"):
        run(source(service).get_json("/x"))
    assert service.asked == 1


def test_after_a_429_nothing_is_asked_until_the_wait_is_over() -> None:
    watch = Stopwatch()
    service = Script(httpx.Response(429, headers={"Retry-After": "30"}), good())
    client = HttpSource(edge(service, monotonic=watch), "venue", "https://venue.example")

    with pytest.raises(SourceRateLimited) as first:
        run(client.get_json("/x"))
    watch.at_s += 29
    with pytest.raises(SourceRateLimited) as second:
        run(client.get_json("/x"))
    asked_while_waiting = service.asked
    watch.at_s += 2

    assert run(client.get_json("/x")).data == {"price": 1}
    assert (first.value.retry_after_s, second.value.retry_after_s) == (30, 1)
    assert asked_while_waiting == 1


@pytest.mark.parametrize(
    ("manners", "headers", "wait_s"),
    [
        (Manners(), {"Retry-After": "30"}, 30),
        (Manners(retry_after_unit_s=0.001), {"Retry-After": "8000"}, 8),
        (Manners(retry_after_unit_s=0.001, max_wait_s=15), {"Retry-After": "600000"}, 15),
        (Manners(reset_unit_s=0.001), {"RateLimit-Reset": str((NOW_S + 12) * 1000)}, 12),
        (Manners(reset_header="x-rate-limit-reset"), {"x-rate-limit-reset": str(NOW_S + 90)}, 90),
        (Manners(wait_s=60), {}, 60),
        (Manners(wait_s=60), {"Retry-After": "NaN"}, 60),
        (Manners(wait_s=60), {"Retry-After": "soon"}, 60),
        (Manners(wait_s=60, max_wait_s=900), {"Retry-After": "1e300"}, 900),
    ],
)
def test_each_service_states_its_wait_in_its_own_unit(manners: Manners, headers: dict[str, str], wait_s: float) -> None:
    with pytest.raises(SourceRateLimited) as caught:
        run(source(Script(httpx.Response(429, headers=headers)), manners=manners).get_json("/x"))
    assert caught.value.retry_after_s == pytest.approx(wait_s)


def test_a_wait_shorter_than_the_budget_is_waited_out() -> None:
    service = Script(httpx.Response(429, headers={"Retry-After": "50"}), good())

    answer = run(source(service, manners=Manners(retry_after_unit_s=0.001)).get_json("/x"))

    assert answer.data == {"price": 1}
    assert service.asked == 2


def test_the_last_request_of_a_window_is_followed_by_none_until_the_window_ends() -> None:
    watch = Stopwatch()
    reset = {"RateLimit-Remaining": "0", "RateLimit-Reset": str(NOW_S + 7)}
    service = Script(good(**reset), good())
    client = HttpSource(edge(service, monotonic=watch), "venue", "https://venue.example")

    run(client.get_json("/x"))
    with pytest.raises(SourceRateLimited):
        run(client.get_json("/x"))
    watch.at_s += 7

    assert run(client.get_json("/x")).data == {"price": 1}
    assert service.asked == 2


def test_a_body_without_end_is_not_read_to_the_end() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(800):
            sent += 1
            yield b" " * 65_536

    with pytest.raises(SourceMalformed, match="longer than 5000000 bytes"):
        run(source(Script(httpx.Response(200, content=endless()))).get_json("/x"))
    assert sent < 100


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused() -> None:
    bomb = httpx.Response(200, content=gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"})

    with pytest.raises(SourceMalformed, match="longer than"):
        run(source(Script(bomb)).get_json("/x"))


def test_an_encoding_that_was_not_offered_is_refused() -> None:
    answer = httpx.Response(200, stream=httpx.ByteStream(b"..."), headers={"Content-Encoding": "br"})

    with pytest.raises(SourceMalformed, match="encoded"):
        run(source(Script(answer)).get_json("/x"))


def test_an_answer_is_reused_while_it_is_young_enough_for_the_caller() -> None:
    clock, service = MovingClock(), Script(good())
    client = HttpSource(edge(service, clock=clock), "venue", "https://venue.example")

    run(client.get_json("/x", max_age_s=5))
    clock.at += timedelta(seconds=4.9)
    run(client.get_json("/x", max_age_s=5))
    asked_when_young = service.asked
    run(client.get_json("/x", max_age_s=1))
    asked_when_too_old_for_the_caller = service.asked
    run(client.get_json("/y", max_age_s=5))

    assert (asked_when_young, asked_when_too_old_for_the_caller, service.asked) == (1, 2, 3)


def test_an_answer_from_after_now_is_not_reused() -> None:
    clock, service = MovingClock(), Script(good())
    client = HttpSource(edge(service, clock=clock), "venue", "https://venue.example")

    run(client.get_json("/x", max_age_s=5))
    clock.at -= timedelta(seconds=0.5)
    run(client.get_json("/x", max_age_s=5))

    assert service.asked == 2


def test_callers_at_the_same_time_share_one_request() -> None:
    service = Script(good())
    client = source(service)

    async def both() -> None:
        await asyncio.gather(*(client.get_json("/x", max_age_s=5) for _ in range(10)))

    run(both())
    assert service.asked == 1


def test_a_failure_is_not_remembered_as_an_answer() -> None:
    service = Script(httpx.Response(404), good())
    client = source(service)

    with pytest.raises(SourceUnavailable):
        run(client.get_json("/x", max_age_s=60))
    assert run(client.get_json("/x", max_age_s=60)).data == {"price": 1}


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(401, text=f"unknown key {KEY}"),
        httpx.Response(429, text=KEY),
        httpx.Response(500, text=KEY),
        httpx.Response(200, text=f"<html>{KEY}"),
        httpx.ConnectError(f"refused for {KEY}"),
        httpx.DecodingError(KEY),
    ],
)
def test_no_error_holds_the_key_or_the_address(failure: httpx.Response | Exception) -> None:
    client = source(Script(failure), Limits(attempts=1))

    with pytest.raises(SourceUnavailable) as caught:
        run(client.get_json("/secret/path", [("key", KEY)]))

    error = caught.value
    said = f"{error!s} {error!r} {error.message} {error.hint} {client!r}"
    assert KEY not in said
    assert "venue.example" not in said


def test_the_traceback_of_our_own_errors_holds_no_key() -> None:
    with pytest.raises(SourceUnavailable) as caught:
        run(source(Script(httpx.Response(200, text=KEY))).get_json("/x", [("key", KEY)]))

    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        "http://pyth.example",
        "ftp://pyth.example",
        "https://user:hunter2@pyth.example",
        "https://pyth.example/?key=hunter2",
        "https://pyth.example/#hunter2",
        "https://",
        "pyth.example",
        "",
        "http://127.0.0.1.evil.example",
        "http://[::2]",
        "https://exa\x00mple",
    ],
)
def test_an_address_unfit_for_a_key_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_base_url("pyth", url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.hint == "bethna config show"


@pytest.mark.parametrize(
    "url", ["https://pyth.example/hermes/", "http://127.0.0.1:8000/", "http://localhost:1", "http://[::1]:8000"]
)
def test_https_and_this_machine_are_fit_for_a_key(url: str) -> None:
    assert checked_base_url("pyth", url) == url.rstrip("/")


def test_the_first_of_several_failures_is_raised_itself_and_ends_the_others() -> None:
    finished: list[str] = []

    async def fail() -> None:
        raise SourceDisabled("venue", "no")

    async def linger() -> None:
        await asyncio.sleep(3)
        finished.append("lingered")

    async def together() -> None:
        async with at_once() as tasks:
            tasks.create_task(linger())
            tasks.create_task(fail())

    with pytest.raises(SourceDisabled):
        run(together())
    assert finished == []


def test_an_edge_that_was_closed_opens_again() -> None:
    service = Script(good())

    async def twice() -> None:
        shared = edge(service)
        client = HttpSource(shared, "venue", "https://venue.example")
        async with shared:
            await client.get_json("/x")
        async with shared:
            await client.get_json("/x")

    run(twice())
    assert service.asked == 2
