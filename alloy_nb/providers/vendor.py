"""A provider at its vendor's own address, with the key that is set for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

from ..errors import AuthError
from ._clients import ClientFactory, is_overridden
from ._settings import check_base_url
from .http import HTTPProvider
from .keys import Secret, find_key
from .vendors import VENDORS

__all__ = ["VendorProvider"]


class VendorProvider(HTTPProvider):
    """The base of a wire whose address and key are known by the vendor's `name`.

    Without `api_key` the key is looked for in the vendor's environment variables, in `.env` in the working directory,
    and in what `alloy login` stored, a file of credentials or the keyring; without `base_url` the vendor's own
    address, or its environment variable's, is asked. A `base_url` without a path gets the vendor's. Raises
    `AuthError` when the vendor's own address would be asked without a key.
    """

    #: What people copy along with an address, and the wire adds itself.
    endings: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        model: str,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: ClientFactory | None = None,
        **more: Any,
    ) -> None:
        vendor = VENDORS[self.name]
        variable = vendor.address_variable
        given = base_url or (variable and os.environ.get(variable, "").strip()) or None
        if given is not None:
            given = self.complete_address(given) if isinstance(given, str) else check_base_url(given)
        found = api_key is None
        address, key = self.settle(given, find_key(api_key, vendor.keys).value, found=found)
        alone = address == vendor.address and not headers and not is_overridden()
        if key is None and vendor.needs_key and alone:
            raise AuthError(
                f"no key for {self.name}",
                hint=f"set {' or '.join(vendor.keys)} in the environment or in .env in the working directory, "
                f"or run `alloy login {self.name}`",
            )
        super().__init__(model, base_url=address, api_key=key, headers=headers, http_client=http_client, **more)

    @classmethod
    def settle(cls, address: str | None, key: str | None, *, found: bool) -> tuple[str, str | None]:  # noqa: ARG003
        """Where is asked, and with which key; `found`: nobody gave the key for this address, it lay somewhere."""
        return address or VENDORS[cls.name].address, key

    def complete_address(self, address: str) -> str:
        """The address with the path that this wire's own paths follow."""
        parts = urlsplit(check_base_url(address))
        path = parts.path
        for ending in self.endings:
            path = path.removesuffix(ending)
        path = path.rstrip("/") or urlsplit(VENDORS[self.name].address).path
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
