"""What the demo desk offers and what it takes: services, and the checks of what clients send.

`desk.py` calls `read_report` for every POST (a report that passes goes to `desk_store.py`) and
`date_span` for every list.
Field names and limits are those of GeoReport v2 (https://wiki.open311.org/GeoReport_v2).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from connector.errors import ConfigError

DESCRIPTION_LIMIT = 4_000
LONGEST_SPAN = timedelta(days=90)
CONTACT_FIELDS = ("email", "first_name", "last_name", "phone")
ATTRIBUTE = re.compile(r"attribute\[([^\[\]]+)\](?:\[\])?")


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Value(_Declared):
    """One choice of a list attribute."""

    key: str
    name: str


class Attribute(_Declared):
    """One extra question that a service asks."""

    code: str
    variable: bool = True
    """False: display text only, nothing is to be answered."""
    datatype: Literal["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"] = "string"
    required: bool = False
    datatype_description: str | None = None
    order: int | None = None
    description: str | None = None
    values: list[Value] = Field(default_factory=list)

    def problem(self, answers: list[str]) -> str | None:
        """Say what is wrong with the answers given to this attribute, if anything."""
        if not answers:
            return f"attribute[{self.code}] is required" if self.variable and self.required else None
        if len(answers) > 1 and self.datatype != "multivaluelist":
            return f"attribute[{self.code}] takes one value"
        return next((f"attribute[{self.code}] {wrong}" for one in answers if (wrong := self._wrong(one))), None)

    def _wrong(self, answer: str) -> str | None:
        if self.datatype == "number" and _number(answer) is None:
            return "is not a number"
        if self.datatype == "datetime" and w3c_datetime(answer) is None:
            return "is not a W3C date and time with offset"
        if self.datatype.endswith("list") and answer not in {value.key for value in self.values}:
            return "has a value that is not on its list"
        return None


class Service(_Declared):
    """One service as the desk offers it; `metadata` says that there are attributes."""

    service_code: str
    service_name: str
    description: str = ""
    metadata: bool = False
    type: Literal["realtime", "batch"] = "realtime"
    keywords: str = ""
    group: str = ""
    attributes: list[Attribute] = Field(default_factory=list)

    @field_validator("keywords", mode="before")
    @classmethod
    def _joined(cls, keywords: object) -> object:
        return ", ".join(map(str, keywords)) if isinstance(keywords, list) else keywords

    @model_validator(mode="after")
    def _announced(self) -> "Service":
        if self.attributes and not self.metadata:
            raise ValueError(f"service {self.service_code} has attributes, so it needs `metadata: true`")
        return self


@dataclass(frozen=True)
class Report:
    """A posted report that passed every check; empty fields are None."""

    service: Service
    description: str | None
    address: str | None
    address_id: str | None
    lat: float | None
    long: float | None
    media_url: str | None
    attributes: dict[str, list[str]]
    contact: dict[str, str]
    account_id: str | None


class Refused(Exception):
    """The desk says no: an HTTP status and one sentence for each problem."""

    def __init__(self, status: int, *problems: str) -> None:
        super().__init__(*problems)
        self.status = status
        self.problems = problems


def load_services(path: Path) -> list[Service]:
    """Read the services from a YAML list; a ConfigError names the file and what is wrong in it."""
    try:
        services = TypeAdapter(list[Service]).validate_python(yaml.safe_load(path.read_text("utf-8")))
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ConfigError(f"{path}: {'; '.join(wrong)}") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if len({service.service_code for service in services}) < len(services):
        raise ConfigError(f"{path}: a service_code stands there twice")
    return services


def read_report(fields: list[tuple[str, str]], services: Mapping[str, Service]) -> Report:
    """Check a posted form and return it as a report; `Refused` lists all problems at once."""
    given = {name: value.strip() for name, value in reversed(fields) if value.strip()}
    service = services.get(given.get("service_code", ""))
    if service is None:
        missing = "service_code" not in given
        raise Refused(400, "service_code was not provided" if missing else "service_code is not known here")
    lat, long, problems = _place(given)
    if len(given.get("description", "")) > DESCRIPTION_LIMIT:
        problems.append(f"description is longer than {DESCRIPTION_LIMIT} characters")
    if not re.fullmatch(r"https?://\S+", given.get("media_url", "https://none")):
        problems.append("media_url is not a link")
    answers, wrong = _answers(fields, service)
    if problems or wrong:
        raise Refused(400, *problems, *wrong)
    return Report(
        service=service,
        description=given.get("description"),
        address=given.get("address_string"),
        address_id=given.get("address_id"),
        lat=lat,
        long=long,
        media_url=given.get("media_url"),
        attributes=answers,
        contact={name: given[name] for name in CONTACT_FIELDS if name in given},
        account_id=given.get("account_id"),
    )


def date_span(start_date: str | None, end_date: str | None) -> tuple[datetime, datetime]:
    """The requested span, at most 90 days; one given end fixes the other, none means the last 90 days."""
    given = {"start_date": start_date, "end_date": end_date}
    read = {name: w3c_datetime(text) for name, text in given.items() if text}
    if bad := [f"{name} is not a W3C date and time with offset" for name, moment in read.items() if moment is None]:
        raise Refused(400, *bad)
    start, end = read.get("start_date"), read.get("end_date")
    try:
        end = end or (start + LONGEST_SPAN if start else datetime.now(UTC))
        start = start or end - LONGEST_SPAN
        start, end = start.astimezone(UTC), end.astimezone(UTC)
    except OverflowError:
        raise Refused(400, "the dates are out of range") from None
    if not timedelta(0) <= end - start <= LONGEST_SPAN:
        raise Refused(400, "start_date and end_date may span 90 days at most, and start_date comes first")
    return start, end


def w3c_datetime(text: str) -> datetime | None:
    """Read a date and time that carries an offset (https://www.w3.org/TR/NOTE-datetime), else None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _place(given: Mapping[str, str]) -> tuple[float | None, float | None, list[str]]:
    lat, long = _number(given.get("lat", "")), _number(given.get("long", ""))
    problems = [
        f"{name} is not a coordinate in degrees"
        for name, value, limit in (("lat", lat, 90), ("long", long, 180))
        if name in given and (value is None or abs(value) > limit)
    ]
    if not {"lat", "long"} <= given.keys() and not given.keys() & {"address_string", "address_id"}:
        problems.append("a location is required: lat and long, or address_string, or address_id")
    elif ("lat" in given) != ("long" in given):
        problems.append("lat and long belong together")
    return lat, long, problems


def _answers(fields: list[tuple[str, str]], service: Service) -> tuple[dict[str, list[str]], list[str]]:
    answers: dict[str, list[str]] = {}
    for name, value in fields:
        if (found := ATTRIBUTE.fullmatch(name)) and value.strip():
            answers.setdefault(found[1], []).append(value.strip())
    asked = {attribute.code: attribute for attribute in service.attributes}
    wrong = [f"{service.service_code} has no attribute {code}" for code in answers if code not in asked]
    wrong += [problem for code, one in asked.items() if (problem := one.problem(answers.get(code, [])))]
    return answers, wrong


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
