"""OpenAI."""

from __future__ import annotations

from apps.providers.base import Endpoint, Limits, TokenPrice
from apps.providers.openai_batches import Batches
from apps.providers.openai_chat import RECORDS_PER_REQUEST
from apps.providers.price_list import listed_price


class OpenAI(Batches):
    key = "openai"
    title = "OpenAI"
    hosts: tuple[str, ...] = ("api.openai.com",)
    base_url = "https://api.openai.com/v1"
    vendor = "openai"
    needs_base_url = False
    default_key_name = "OPENAI_API_KEY"

    def limits(self, endpoint: Endpoint) -> Limits:
        """50,000 requests and 200 MB by the vendor; a little less, since a megabyte is no clear thing."""
        return Limits(requests=50_000, bytes=190_000_000, records_per_request=RECORDS_PER_REQUEST)

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        return listed_price(model, vendor=self.vendor, is_batch=is_batch)
