"""Azure OpenAI: OpenAI's interface at an address of one's own; a model is the name of a batch deployment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apps.providers.base import Batch, BatchState, Endpoint, Limits, Poll, TokenPrice
from apps.providers.openai_batches import Batches
from apps.providers.openai_chat import RECORDS_PER_REQUEST
from apps.providers.price_list import listed_price

# Azure lets a batch go on after its 24 hours and never expires it: beyond this, a person should look.
OVERDUE = timedelta(hours=48)


class AzureOpenAI(Batches):
    key = "azure_openai"
    title = "Azure OpenAI"
    hosts: tuple[str, ...] = (
        "*.openai.azure.com",
        "*.cognitiveservices.azure.com",
        "*.services.ai.azure.com",
    )
    vendor = "azure"
    needs_base_url = True
    default_key_name = "AZURE_OPENAI_API_KEY"

    def limits(self, endpoint: Endpoint) -> Limits:
        return Limits(requests=100_000, bytes=190_000_000, records_per_request=RECORDS_PER_REQUEST)

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        """By the deployment's name, where it is that of its model. The list has no batch prices of Azure."""
        return listed_price(model, vendor=self.vendor, is_batch=is_batch)

    def poll(self, batch: Batch) -> Poll:
        poll = super().poll(batch)
        is_open = poll.state in {BatchState.WAITING, BatchState.RUNNING}
        if is_open and batch.sent_at and datetime.now(UTC) - batch.sent_at > OVERDUE:
            days = (datetime.now(UTC) - batch.sent_at).days
            return Poll(
                poll.state,
                f"Azure has had it for {days} days and never expires a batch: stop the run to cancel it.",
                poll.results_expire_at,
            )
        return poll
