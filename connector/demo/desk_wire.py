"""How the demo desk speaks: GeoReport v2 answers as JSON and XML, and posted forms read back.

`desk.py` builds each answer once as plain Python and hands it to `answer`, which writes either format.
"""

import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from starlette.requests import Request
from starlette.responses import Response

from connector.demo.desk_intake import Attribute, Refused, Service
from connector.demo.desk_store import Ticket

BODY_LIMIT = 256 * 1024
"""Bytes; 4,000 four-byte characters in percent encoding take 48,000."""
CHILD = {
    "services": "service",
    "service_requests": "request",
    "attributes": "attribute",
    "values": "value",
    "errors": "error",
}
"""Element names of list members, from the specification's XML examples."""
NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 (section 2.2) forbids even as references."""


def answer(root: str, content: object, form: str, status: int = 200) -> Response:
    """Write content as JSON, or as XML (`form`) under an element called `root`."""
    if form == "json":
        text = json.dumps(content, ensure_ascii=False)
        return Response(text, status, media_type="application/json; charset=utf-8")
    element = _element(root, content)
    written = ElementTree.tostring(element, encoding="utf-8", xml_declaration=True)
    return Response(written, status, media_type="text/xml; charset=utf-8")


def errors(refused: Refused, form: str) -> Response:
    """Write a refusal in the specification's error format."""
    rows = [{"code": refused.status, "description": problem} for problem in refused.problems]
    return answer("errors", rows, form, refused.status)


def service_row(service: Service) -> dict[str, object]:
    """A service as `GET services` shows it."""
    return service.model_dump(exclude={"attributes"})


def definition(service: Service) -> dict[str, object]:
    """A service's definition: its attributes in the order in which they are asked."""
    asked = sorted(service.attributes, key=lambda attribute: attribute.order or 0)
    return {"service_code": service.service_code, "attributes": [_attribute_row(one) for one in asked]}


def request_row(ticket: Ticket, services: Mapping[str, Service]) -> dict[str, object]:
    """A ticket as `GET requests` shows it; contact data and attributes stay at the desk."""
    service = services.get(ticket.service_code)
    return {
        "service_request_id": ticket.number,
        "status": ticket.status,
        "status_notes": ticket.status_notes,
        "service_name": service.service_name if service else None,
        "service_code": ticket.service_code,
        "description": ticket.description,
        "agency_responsible": None,
        "service_notice": None,
        "requested_datetime": ticket.requested_at,
        "updated_datetime": ticket.updated_at,
        "expected_datetime": None,
        "address": ticket.address,
        "address_id": ticket.address_id,
        "zipcode": None,
        "lat": ticket.lat,
        "long": ticket.long,
        "media_url": ticket.media_url,
    }


async def read_form(request: Request) -> list[tuple[str, str]]:
    """Read a form-urlencoded body; `Refused` if it is something else or too long, ClientDisconnect if cut off."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise Refused(400, "the body is not application/x-www-form-urlencoded")
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > BODY_LIMIT:
                raise Refused(413, "the body is too long")
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=500)
    except ValueError:
        raise Refused(400, "the body cannot be read as a form in UTF-8") from None


def _attribute_row(attribute: Attribute) -> dict[str, object]:
    return attribute.model_dump(exclude=None if attribute.values else {"values"})


def _element(name: str, content: object) -> ElementTree.Element:
    element = ElementTree.Element(name)
    if isinstance(content, Mapping):
        element.extend(_element(key, value) for key, value in content.items())
    elif isinstance(content, list):
        element.extend(_element(CHILD[name], member) for member in content)
    elif isinstance(content, bool):
        element.text = str(content).lower()
    elif content is not None:
        element.text = NOT_XML.sub("\ufffd", str(content))
    return element
