"""How each service says no to a request it does not even look at: the bodies documented for 401, 404 and 429."""

from collections.abc import Mapping

from bethna_cli.adapters.sim.wire import Reply, json_reply, text_reply


def no_key(service: str) -> Reply:
    """Answer a request without a bearer token."""
    if service.startswith("x"):
        body = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}
        return json_reply(body, status=401)
    return text_reply("unauthorized", status=401)


def too_many(service: str, headers: Mapping[str, str]) -> Reply:
    """Answer a request over the limit. dYdX gives `Retry-After` in milliseconds."""
    if service.startswith("x"):
        body = {"title": "Too Many Requests", "type": "about:blank", "status": 429, "detail": "Too Many Requests"}
        return json_reply(body, status=429, headers=headers)
    reply = {"errors": [{"msg": "Too many requests"}]}
    return json_reply(reply, status=429, headers={**headers, "retry-after": "1000"})


def unknown_route(path: str) -> Reply:
    """Answer a path that no service has."""
    if path.startswith("/dydx"):
        return json_reply({"errors": [{"msg": "Not Found"}]}, status=404)
    if path.startswith("/x"):
        body = {"title": "Not Found", "type": "about:blank", "status": 404, "detail": "Not Found"}
        return json_reply(body, status=404)
    return text_reply("Not Found", status=404)
