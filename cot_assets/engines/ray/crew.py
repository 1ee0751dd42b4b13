"""The actors of a model: placed, opened, asked, and replaced when they die.

Belongs here: which actors there are and what became of them. Does not belong here: what they are asked
(:mod:`cot_assets.engines.ray.engine`).
"""

# Ray is an extra that need not be installed where types are checked.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

import ray
from ray.exceptions import RayError, RayTaskError

from cot_assets.engines.base import AwayNowError, EngineDiedError, EngineError, EngineInfo
from cot_assets.engines.ray.actor import EngineActor
from cot_assets.engines.ray.cluster import Cluster
from cot_assets.engines.ray.work import MOST_DEATHS
from cot_assets.study import DataHome, ModelEntry
from cot_assets.study.models import RayActors

_HEARTBEAT = 2.0  #: seconds after which a caller hears that there is no news
_STOP = 15.0  #: seconds that actors have to cancel what they do; one that takes longer is replaced


LOST = object()  #: in place of an answer: the actor died


@dataclass(eq=False)
class Member:
    """One place in the crew. ``call``: what its actor is at work on. ``left_out``: why it is tried no more."""

    actor: Any = None
    stage: Literal["placing", "opening", "open"] = "placing"
    call: Any = None
    where: str = ""
    n_failures: int = 0
    left_out: EngineError | None = None


class Crew:
    """Actors that hold the same model; ``info`` is what the first one that was opened says of it."""

    def __init__(self, entry: ModelEntry, ways: RayActors) -> None:
        """Start the actors, and return when one of them has the model open.

        Raises:
            EngineError: No cluster, no room on it, or none can open the model.
        """
        self._entry, self._ways = entry, ways
        self._cluster = Cluster(entry, ways.address)
        self.info: EngineInfo | None = None
        self._news: list[str] = []
        self._members: list[Member] = []
        self._since = time.monotonic()  #: when an actor had a place last
        try:
            self._needs = {"CPU": ways.cpus, "GPU": entry.gpus_per_actor}
            self._kind = ray.remote(EngineActor).options(
                num_cpus=self._needs["CPU"], num_gpus=self._needs["GPU"]
            )
            self._members = [Member() for _ in range(ways.actors)]
            if self._cluster.is_local and (lack := self._lack()):
                raise EngineError(f"model {entry.name!r}: {lack}; change `ray` in models.toml")
            for member in self._members:
                self._place(member)
            while self.info is None:
                for _ in self.answers():
                    pass
        except BaseException:
            self.close()
            raise

    def idle(self) -> list[Member]:
        """Those that have the model open and nothing to do."""
        return [each for each in self._present if each.stage == "open" and each.call is None]

    def ask(self, member: Member, method: str, *arguments: object) -> None:
        """Have an idle member do something; :meth:`answers` tells what came of it."""
        member.call = getattr(member.actor, method).remote(*arguments)

    def answers(self) -> Iterator[tuple[Member, Any]]:
        """Members that have answered, each with its answer or :data:`LOST`; none where there was no news for a while.

        Raises:
            EngineError: A member's, or no actor is left or finds a place for too long.
        """
        calls = {each.call: each for each in self._present if each.call is not None}
        ray.wait([*calls], timeout=_HEARTBEAT)
        done, _ = ray.wait([*calls], num_returns=len(calls), timeout=0)
        for call in done:
            member = calls[call]
            is_open, member.call, answer = member.stage == "open", None, LOST
            try:
                answer = ray.get(call)
            except RayTaskError as error:
                problem = _cause(self._entry, error)
                if isinstance(problem, EngineDiedError):
                    self.lose(member, str(problem))
                elif is_open:
                    raise problem from None
                else:
                    self._leave_out(member, problem)
            except RayError as error:
                self.lose(member, _reason(error))
            else:
                if not is_open:
                    self._advance(member, answer)
            if is_open:
                yield member, answer
        self._look_for_place()

    def lose(self, member: Member, reason: str) -> None:
        """Start another actor in the place of one that died."""
        self._drop(member)
        member.n_failures += member.stage != "open"
        place = member.where or "an actor"
        if member.n_failures >= MOST_DEATHS:
            self._leave_out(
                member,
                EngineError(f"model {self._entry.name!r}: every actor died as it opened the model: {reason}"),
            )
        else:
            self._place(member)
            self._tell(
                f"the actor on {place} died ({reason}) and is started again; what it had goes to the others"
            )

    def stop(self, members: Iterable[Member]) -> None:
        """Have members cancel what they sample; one that does not is replaced."""
        stops = {each.actor.stop.remote(): each for each in members}
        if not stops:
            return
        done, _ = ray.wait([*stops], num_returns=len(stops), timeout=_STOP)
        for call, member in stops.items():
            member.call = None
            with suppress(RayError):
                if call in done and ray.get(call):
                    continue
            self._drop(member)
            self._place(member)

    def news(self) -> list[str]:
        """Who died or was left out since this was asked last, a line each; and what is waited for."""
        news, self._news = self._news, []
        if all(each.stage != "open" for each in self._present):
            news.append(f"model {self._entry.name!r}: no actor is open; waiting for one on the Ray cluster")
        return news

    def close(self) -> None:
        """End all actors, and the cluster where it was started for them; may be called twice."""
        if ray.is_initialized():  # else the first call would start a cluster
            for member in self._members:
                self._drop(member)
        self._members = []
        self._cluster.close()

    @property
    def _present(self) -> list[Member]:
        return [each for each in self._members if each.left_out is None]

    def _place(self, member: Member) -> None:
        member.actor, member.stage, member.where = self._kind.remote(), "placing", ""
        self.ask(member, "where")

    def _drop(self, member: Member) -> None:
        if member.actor is not None:
            with suppress(RayError):
                ray.kill(member.actor)
            member.actor = member.call = None

    def _advance(self, member: Member, answer: Any) -> None:
        """Go on with a member that found a place, or has opened the model."""
        if member.stage == "placing":
            member.where, member.stage = answer, "opening"
            plain = self._entry.model_copy(update={"ray": None})
            self.ask(member, "open", plain, str(DataHome.from_environment().root.absolute()))
            return
        first = self.info = self.info or answer
        if replace(answer, device=first.device) != first:
            self._leave_out(
                member,
                EngineError(
                    f"model {self._entry.name!r}: it opened something else than the first: {answer.sampled_with()[:300]}"
                ),
            )
            return
        member.stage, member.n_failures = "open", 0

    def _leave_out(self, member: Member, reason: EngineError) -> None:
        """Go on without a member; raises ``reason`` where it was the last."""
        self._drop(member)
        member.left_out = reason
        if not self._present:
            raise reason
        self._tell(f"the actor on {member.where} is left out: {reason}; {len(self._present)} go on")

    def _look_for_place(self) -> None:
        if any(each.stage != "placing" for each in self._present):
            self._since = time.monotonic()
        elif time.monotonic() - self._since > self._ways.wait:
            lack = self._lack() or "others use it"
            raise AwayNowError(
                f"model {self._entry.name!r}: no actor found a place on the Ray cluster at {self._cluster.address!r} within "
                f"{self._ways.wait:g} s: {lack}; change `ray` in models.toml, or wait longer (ray.wait)"
            )

    def _lack(self) -> str:
        """What the cluster has too little of for one actor, in words; empty where it has enough."""
        there = ray.cluster_resources()
        lacks = [(n, name, there.get(name, 0)) for name, n in self._needs.items() if n > there.get(name, 0)]
        return "; ".join(
            f"an actor needs {n:g} {name}s, and the cluster has {has:g}" for n, name, has in lacks
        )

    def _tell(self, text: str) -> None:
        self._news.append(f"model {self._entry.name!r}: {text}")


def _cause(entry: ModelEntry, error: RayTaskError) -> EngineError:
    """The error of an actor as it was raised there."""
    cause = error.cause
    if isinstance(cause, EngineError):
        return cause
    return EngineError(f"model {entry.name!r}: an actor failed: {type(cause).__name__}: {cause}")


def _reason(error: RayError) -> str:
    """How an actor died, in a few words of what Ray says."""
    told = " ".join(str(error).split())
    return told.partition("Worker exit detail: ")[2][:100] or told[:100]
