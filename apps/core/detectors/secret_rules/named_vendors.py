"""Vendors whose tokens have no shape of their own: the name stands before the value, or nothing gives it away."""

from __future__ import annotations

from apps.core.detectors.secret_rules.rule import SecretRule, named
from apps.core.detectors.synthetic import alnum, hexa, lower

ALNUM = "0-9A-Za-z"
LOWER = "0-9a-z"
HEX = "0-9a-f"
URL_SAFE = r"0-9A-Za-z_=\-"

# Rule name, vendor, spellings of the vendor's name, characters of the token, lengths of the token.
_VENDORS: tuple[tuple[str, str, tuple[str, ...], str, tuple[int, ...]], ...] = (
    ("adafruit-key", "Adafruit", ("adafruit",), URL_SAFE, (32,)),
    ("adobe-client-id", "Adobe", ("adobe",), HEX, (32,)),
    ("algolia-key", "Algolia", ("algolia",), LOWER, (32,)),
    ("alibaba-secret-key", "Alibaba Cloud", ("alibaba", "aliyun"), ALNUM, (30,)),
    ("amplitude-key", "Amplitude", ("amplitude",), HEX, (32,)),
    ("asana-client-secret", "Asana", ("asana",), LOWER, (32,)),
    ("bittrex-key", "Bittrex", ("bittrex",), LOWER, (32,)),
    ("codecov-token", "Codecov", ("codecov",), LOWER, (32,)),
    ("contentful-delivery-token", "Contentful", ("contentful",), URL_SAFE, (43,)),
    ("digitalocean-spaces-secret", "DigitalOcean", ("digitalocean", "digital_ocean", "spaces"), ALNUM, (43,)),
    ("droneci-token", "Drone CI", ("droneci", "drone_ci", "drone"), LOWER, (32,)),
    ("etsy-token", "Etsy", ("etsy",), LOWER, (24,)),
    ("facebook-secret", "Meta", ("facebook", "instagram"), HEX, (32,)),
    ("finicity-token", "Finicity", ("finicity",), LOWER, (20, 32)),
    ("finnhub-token", "Finnhub", ("finnhub",), LOWER, (20,)),
    ("flickr-token", "Flickr", ("flickr",), LOWER, (32,)),
    ("freshbooks-token", "FreshBooks", ("freshbooks",), LOWER, (64,)),
    ("gitter-token", "Gitter", ("gitter",), URL_SAFE, (40,)),
    ("hetzner-token", "Hetzner", ("hetzner", "hcloud"), ALNUM, (64,)),
    ("hexpm-key", "Hex.pm", ("hexpm", "hex.pm"), LOWER, (32,)),
    ("intercom-token", "Intercom", ("intercom",), URL_SAFE, (60,)),
    ("jfrog-key", "JFrog", ("jfrog", "artifactory", "bintray", "xray"), ALNUM, (64, 73)),
    ("kraken-token", "Kraken", ("kraken",), URL_SAFE + "/+", (80, 86, 88, 90)),
    ("kucoin-token", "KuCoin", ("kucoin",), HEX, (24,)),
    ("launchdarkly-token", "LaunchDarkly", ("launchdarkly", "launch_darkly"), URL_SAFE, (40,)),
    ("linear-client-secret", "Linear", ("linear",), HEX, (32,)),
    ("linkedin-secret", "LinkedIn", ("linkedin", "linked_in"), LOWER, (14, 16)),
    ("looker-secret", "Looker", ("looker",), ALNUM, (20, 24)),
    ("mailgun-signing-key", "Mailgun", ("mailgun",), LOWER, (32,)),
    ("meraki-key", "Cisco Meraki", ("meraki",), HEX, (40,)),
    ("mixpanel-secret", "Mixpanel", ("mixpanel",), HEX, (32,)),
    ("netlify-legacy-token", "Netlify", ("netlify",), URL_SAFE, (40, 43, 44, 45, 46)),
    ("newrelic-user-key", "New Relic", ("newrelic", "new-relic", "new_relic", "new relic"), LOWER, (64,)),
    ("nytimes-key", "New York Times", ("nytimes", "newyorktimes"), URL_SAFE, (32,)),
    ("openweather-key", "OpenWeather", ("openweather", "open_weather"), HEX, (32,)),
    ("plaid-secret", "Plaid", ("plaid",), ALNUM, (24, 30)),
    ("privateai-key", "Private AI", ("privateai", "private_ai", "private-ai"), LOWER, (32,)),
    ("rapidapi-key", "RapidAPI", ("rapidapi", "rapid_api"), URL_SAFE, (50,)),
    ("segment-key", "Segment", ("segment",), ALNUM, (32,)),
    ("sendbird-token", "Sendbird", ("sendbird",), HEX, (40,)),
    ("shodan-key", "Shodan", ("shodan",), ALNUM, (32,)),
    ("sidekiq-secret", "Sidekiq", ("bundle_enterprise__contribsys__com", "sidekiq"), HEX + ":", (17,)),
    ("snyk-legacy-key", "Snyk", ("snyk",), HEX, (36,)),
    ("travisci-token", "Travis CI", ("travis",), URL_SAFE, (22,)),
    ("trello-key", "Trello", ("trello",), ALNUM, (32,)),
    ("twitch-token", "Twitch", ("twitch",), LOWER, (30,)),
    ("virustotal-key", "VirusTotal", ("virustotal", "virus_total"), HEX, (64,)),
    ("yandex-token", "Yandex", ("yandex",), URL_SAFE + ".", (39, 40)),
)


def _rule(
    name: str, vendor: str, spellings: tuple[str, ...], alphabet: str, lengths: tuple[int, ...]
) -> SecretRule:
    value = "|".join(f"[{alphabet}]{{{length}}}" for length in sorted(lengths, reverse=True))
    body = {HEX: hexa, HEX + ":": hexa, LOWER: lower}.get(alphabet, alnum)(max(lengths))
    return SecretRule(
        name,
        vendor,
        named("|".join(spellings), value),
        f"{spellings[0]}_api_token = {body}",
        f"{spellings[0]} checksum: {hexa(32)}",
        spellings,
        shapeless=True,
    )


_ALGOLIA_CLIENT = SecretRule(
    "algolia-client",
    "Algolia",
    r"(?i:algoliasearch|algolia_client|SearchClient[\w.]{0,20})\(\s{0,20}[\"'][0-9A-Z]{10}[\"'],\s{0,20}[\"']([0-9a-f]{32})[\"']",
    f"algoliasearch('APPID12345', '{hexa(32)}')",
    "algoliasearch('APPID12345', key)",
    ("algoliasearch", "algolia_client", "searchclient"),
)

NAMED_VENDOR_RULES = (_ALGOLIA_CLIENT, *(_rule(*vendor) for vendor in _VENDORS))
