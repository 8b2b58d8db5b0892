"""Batch compliance: a job is made, ids are uploaded, after a while a file says which posts or users must go."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.peers import x_answers
from tests.peers.x_answers import Answer
from tests.peers.x_clock import first_id, text_of
from tests.peers.x_posts import Json, Refused, Shown

if TYPE_CHECKING:
    from tests.peers.x_endpoints import Asked
    from tests.peers.x_simulator import Simulator

EXPIRED = (
    "<?xml version='1.0' encoding='UTF-8'?><Error><Code>ExpiredToken</Code>"
    "<Message>The provided token has expired.</Message></Error>"
)


@dataclass
class Job:
    """One upload and its answer."""

    id: str
    kind: str
    """tweets or users."""
    made_at: float
    name: str = ""
    resumable: bool = False
    uploaded_at: float | None = None
    ids: list[str] = field(default_factory=list)


class Compliance:
    """The jobs of the one client app."""

    def __init__(self, x: Simulator) -> None:
        self._x = x
        self._jobs: dict[str, Job] = {}

    def create(self, asked: Asked) -> Answer:
        body, now = asked.json, self._x.clock.now()
        if body.get("type") not in ("tweets", "users"):
            given = body.get("type", "")
            raise Refused(x_answers.invalid(("type", given, f"$.type: {given} is not one of [tweets,users]")))
        number = str(first_id(now) + len(self._jobs))
        job = Job(number, body["type"], now, body.get("name", ""), bool(body.get("resumable")))
        self._jobs[job.id] = job
        return Answer(200, {"data": self._shown(job, asked)})

    def listed(self, asked: Asked) -> Answer:
        kind, status = asked.query.get("type"), asked.query.get("status")
        if kind not in ("tweets", "users"):
            raise Refused(x_answers.invalid(("type", kind, "The `type` query parameter is not one of [tweets,users]")))
        jobs = [job for job in self._jobs.values() if job.kind == kind and status in (None, self._status(job))]
        data = [self._shown(job, asked) for job in jobs]
        return Answer(200, ({"data": data} if data else {}) | {"meta": {"result_count": len(data)}})

    def one(self, asked: Asked) -> Answer:
        number = asked.path.rsplit("/", 1)[1]
        job = self._jobs.get(number)
        if job is None:
            return Answer(200, {"errors": [x_answers.not_found("compliance_job", "id", number)]})
        return Answer(200, {"data": self._shown(job, asked)})

    def upload(self, asked: Asked) -> Answer:
        """Ids, one a line."""
        job = self._jobs.get(asked.path.split("/")[2])
        if job is None:
            return x_answers.NOT_FOUND
        if self._x.clock.now() > job.made_at + self._x.settings.upload_lives:
            return Answer(400, EXPIRED)
        job.ids = asked.body.decode("ascii", "replace").split()
        job.uploaded_at = self._x.clock.now()
        return Answer(200)

    def download(self, asked: Asked) -> Answer:
        """A line of JSON for each post or user that must go."""
        job = self._jobs.get(asked.path.split("/")[2])
        if job is None or self._status(job) != "complete":
            return x_answers.NOT_FOUND
        if self._x.clock.now() > job.made_at + self._x.settings.download_lives:
            return Answer(400, EXPIRED)
        gone = self._gone_posts(job) if job.kind == "tweets" else self._gone_users(job)
        lines = "".join(json.dumps(line) + "\n" for line in gone)
        return Answer(200, lines, {"Content-Type": "application/octet-stream"})

    def _status(self, job: Job) -> str:
        now = self._x.clock.now()
        if job.uploaded_at is None:
            return "expired" if now > job.made_at + self._x.settings.upload_lives else "created"
        return "in_progress" if now < job.uploaded_at + self._x.settings.job_takes else "complete"

    def _gone_posts(self, job: Job) -> list[Json]:
        lines = []
        for number in job.ids:
            post = self._x.world.post_of(number)
            if post is None:
                lines.append(self._line(number, "delete", "deleted", job.made_at, job.made_at))
            elif post.why_gone:
                lines.append(self._line(number, "delete", post.why_gone, post.at, post.gone_at))
            elif post.scrubbed_at:
                lines.append(self._line(number, "redact_geo", "scrub_geo", post.at, post.scrubbed_at))
        return lines

    def _gone_users(self, job: Job) -> list[Json]:
        users = ((number, self._x.world.user_of(number)) for number in job.ids)
        return [
            self._line(number, "delete", user.gone if user else "deactivated", job.made_at, job.made_at)
            for number, user in users
            if user is None or user.gone
        ]

    def _line(self, number: str, action: str, reason: str, made_at: float, gone_at: float) -> Json:
        if self._x.settings.old_job_lines:
            made = text_of(made_at)[:19] + "+00:00"
            return {"id": number, "action": action, "created_at": made, "reason": reason}
        times = {"created_at": text_of(made_at), "redacted_at": text_of(gone_at)}
        return {"id": number, "action": action, **times, "reason": reason}

    def _shown(self, job: Job, asked: Asked) -> Json:
        settings = self._x.settings
        whole: Json = {
            "id": job.id,
            "type": job.kind,
            "status": self._status(job),
            "resumable": job.resumable,
            "created_at": text_of(job.made_at),
            "upload_url": f"{self._x.url}/storage/{job.id}/submission?signature=made-up",
            "upload_expires_at": text_of(job.made_at + settings.upload_lives),
            "download_url": f"{self._x.url}/storage/{job.id}/delivery?signature=made-up",
            "download_expires_at": text_of(job.made_at + settings.download_lives),
        } | ({"name": job.name} if job.name else {})
        wanted = Shown.of(asked.query).fields["compliance_job.fields"]
        return {name: value for name, value in whole.items() if not wanted or name in wanted | {"id", "type", "status"}}
