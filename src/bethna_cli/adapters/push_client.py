"""The other end of the alerts' stream, for a command that wants to know whether it works."""

import asyncio
import json

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException


async def hear(url: str, token: str, alert_id: str, patience_s: float) -> bool | None:
    """Listen until the stream brings an alert: False when it does not in time, None when nobody serves it."""
    try:
        async with (
            asyncio.timeout(patience_s),
            connect(url, additional_headers={"Authorization": f"Bearer {token}"}, proxy=None) as stream,
        ):
            async for message in stream:
                if json.loads(message).get("id") == alert_id:
                    return True
    except OSError as error:
        return False if isinstance(error, TimeoutError) else None
    except WebSocketException:
        return None
    return False
