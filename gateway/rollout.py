"""Which fields that move from one subgraph to another are taken from the new one, for one request.

`@override(label: "percent(5)")` moves that share of the callers; of any other label the settings
name the share, or else a hook decides. https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives#progressive-override
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeAlias

from gateway.authorization.identity import Identity
from gateway.settings import PERCENT, SettingsError

DecideLabel: TypeAlias = Callable[[str, Identity], bool]
"""Whether a label is on for whoever asks. Called once a request, so it must not wait."""

ALL: Final = 100.0
_SHARE = re.compile(r"percent\((?P<share>\d{1,3}(?:\.\d{1,8})?)\)", re.ASCII)
# Few enough bits for the quotient to be exact, so that it is always less than 1.
_DRAWN_BYTES: Final = 6
_NONE: Final[frozenset[str]] = frozenset()


class Rollout:
    def __init__(
        self,
        labels: Collection[str],
        shares: Mapping[str, float],
        decide: DecideLabel | None = None,
    ) -> None:
        """`shares`, in percent, are those of labels that do not tell their own.

        A label that is neither told nor decided about is off. Raises `SettingsError` for a label
        that tells a share of less than nothing or more than all.
        """
        told = {label: _share(label) for label in labels if label.startswith(PERCENT)}
        self._shares = told | {label: shares[label] for label in labels if label in shares}
        self._decide = decide
        self._asked = tuple(sorted(set(labels) - self._shares.keys())) if decide else ()

    def labels(self, identity: Identity, request_id: str | None = None) -> frozenset[str]:
        """Those that are on for a request; without its id, for most requests of the kind.

        A caller meets the same side each time, and stays on the new one as a share grows. One
        number decides about all shares, so that there are few combinations to plan for.
        """
        on = self._below(_draw(identity, request_id)) if self._shares else _NONE
        if self._decide is None:
            return on
        return on.union(label for label in self._asked if self._decide(label, identity))

    @property
    def usual(self) -> frozenset[str]:
        """Those that are on for every second request, or more, whoever asks."""
        return self._below(ALL / 2)

    def _below(self, drawn: float) -> frozenset[str]:
        return frozenset(label for label, share in self._shares.items() if drawn < share)


def _share(label: str) -> float:
    percent = _SHARE.fullmatch(label)
    share = float(percent["share"]) if percent else None
    if share is None or share > ALL:
        raise SettingsError(f'the override label "{label}" tells no share from 0 to 100 percent')
    return share


def _draw(identity: Identity, request_id: str | None) -> float:
    """From 0 to just below 100: the caller's own number, or the request's if nobody is known."""
    caller = identity.caller
    # Where nobody signs in, everybody is the same developer.
    if caller is not None and not identity.grants.unrestricted:
        drawn_from = f"{caller.issuer}\0{caller.subject}"
    elif request_id is not None:
        drawn_from = request_id
    else:
        return ALL / 2
    digest = hashlib.blake2b(drawn_from.encode(), digest_size=_DRAWN_BYTES).digest()
    return int.from_bytes(digest) / 256**_DRAWN_BYTES * ALL
