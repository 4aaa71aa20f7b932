"""Azure OpenAI: OpenAI's interface at an address of one's own; a model is the name of a batch deployment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.core.errors import DomainError
from apps.providers.base import Batch, BatchState, Endpoint, JsonObject, Limits, Poll, TokenPrice
from apps.providers.openai_batches import Batches
from apps.providers.openai_chat import RECORDS_PER_REQUEST
from apps.providers.openai_schema import levels_in, properties_in
from apps.providers.price_list import listed_price

# Azure lets a batch go on after its 24 hours and never expires it: beyond this, a person should look.
OVERDUE = timedelta(hours=48)
# Of one schema, by Azure's page on structured outputs; OpenAI itself takes more.
MOST_PROPERTIES, MOST_LEVELS = 100, 5


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

    def schema_of(self, schema: Mapping[str, Any]) -> JsonObject:
        """DomainError for one that Azure would refuse, line by line, after the batch was made."""
        chat_schema = super().schema_of(schema)
        properties, levels = properties_in(chat_schema), levels_in(chat_schema)
        if properties > MOST_PROPERTIES or levels > MOST_LEVELS:
            raise DomainError(
                f"Azure OpenAI takes at most {MOST_PROPERTIES} fields and {MOST_LEVELS} levels in one schema; this "
                f"one has {properties} and {levels}. Make the record simpler in the spec, or generate with "
                "another provider."
            )
        return chat_schema

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
