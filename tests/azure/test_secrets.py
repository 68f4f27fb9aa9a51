"""What opens doors is in no message, summary or repr; what goes into a URL is what was meant."""

from __future__ import annotations

import dataclasses
import json
import traceback

import pyarrow as pa
import pytest

from support.app_events import END, SCHEMA, START, rows_of
from support.commands import RUNNER
from support.servers import Answer, error
from watchspan import azure
from watchspan.azure import sdk
from watchspan.azure.places import target_of
from watchspan.cli.app import app
from watchspan.errors import OptionError, WatchspanError

SECRET = "s3cr3t-Pa55"
ROWS = pa.table({"userId": ["u"], "videoId": ["v"]})
RULE, STREAM = "dcr-0123456789abcdef", "Custom-Engagement"
# Addresses that hold a secret, or are of another kind, with what the refusal says.
LOGIN = (f"https://ann:{SECRET}@host.example", "user name or password")
ONLY_KEY = (f"https://{SECRET}@host.example", "user name or password")
SIGNED = (f"https://host.example/?sv=2026&sig={SECRET}", "signature")
KEYED = (f"https://host.example;Password={SECRET}", "signature")
STORED = ("https://films.blob.core.windows.net", "storage account")
OTHER = ("ftp://host.example", "is needed")
BROKEN = ("https://[host.example", "is needed")
BAD_PORT = ("https://host.example:99999", "is needed")
ADDRESSES = (LOGIN, ONLY_KEY, SIGNED, KEYED, STORED, OTHER, BROKEN, BAD_PORT)


def told_of(call):
    """What somebody sees who lets the error end the program, of which the message is returned."""
    with pytest.raises(WatchspanError) as raised:
        call()
    # Without the lines of this file, in which the secrets stand.
    assert SECRET not in "".join(traceback.format_exception_only(raised.type, raised.value))
    assert SECRET not in repr(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(("address", "says"), ADDRESSES)
def test_addresses_of_services(address, says, credential):
    calls = (
        lambda: azure.read_kusto(address, "db", "T", START, END, credential),
        lambda: azure.write_kusto(ROWS, address, "db", "T", credential),
        lambda: azure.DataExplorer(address, "db", "T"),
        lambda: azure.read_log_analytics("id", START, END, credential, endpoint=address),
        lambda: azure.LogAnalytics("id", endpoint=address),
        lambda: azure.write_log_analytics(ROWS, address, RULE, STREAM, credential),
    )
    for call in calls:
        assert says in told_of(call)


@pytest.mark.parametrize(
    ("out", "says"),
    [
        (f"https://ann:{SECRET}@host.example/db/t", "user name or password"),
        (f"HTTPS://ann:{SECRET}@host.example/db/t", "user name or password"),
        (f"https://host.example/db/t?sv=2026&sig={SECRET}", "signature"),
        (f"https://films.blob.core.windows.net/box/rows?sv=2026&sig={SECRET}", "signature"),
        ("https://films.blob.core.windows.net/box/rows", "storage account"),
        ("https://films.dfs.core.windows.net/box/rows", "storage account"),
        ("https://host.example/box/rows.parquet", "is needed"),
        (f"https://host.example/dataCollectionRules/{RULE}/streams/{STREAM}?sig={SECRET}", "signature"),
        (f"https://host.example/dataCollectionRules/my-rule/streams/{STREAM}", "immutable id"),
        (f"https://host.example/dataCollectionRules/{RULE}/streams/Engagement", "Custom-VideoEngagement"),
        (f"http://host.example/dataCollectionRules/{RULE}/streams/{STREAM}", "only over https"),
        ("https://host.example/db/..", "a step in a path"),
        ("https://host.example/%2e%2e/t", "a step in a path"),
        ("https://[host.example/db/t", "is needed"),
        (f"s3://ann:{SECRET}@box/rows", "format of"),
        (f"s3://box/rows?token={SECRET}", "format of"),
        ("https://host.example/a/b/c", "is needed"),
    ],
)
def test_addresses_of_targets(out, says):
    assert says in told_of(lambda: target_of(out))


@pytest.mark.parametrize(
    "call",
    [
        lambda url, who: azure.read_kusto("https://c", "db", url, START, END, who),
        lambda url, who: azure.read_kusto("https://c", url, "T", START, END, who),
        lambda url, who: azure.write_kusto(ROWS, "https://c", "db", url, who),
        lambda url, who: azure.write_kusto(ROWS, "https://c", url, "T", who),
        lambda url, who: azure.read_log_analytics(url, START, END, who),
        lambda url, who: azure.read_log_analytics("id", START, END, who, table=url),
        lambda url, who: azure.write_log_analytics(ROWS, "https://e", url, STREAM, who),
        lambda url, who: azure.write_log_analytics(ROWS, "https://e", RULE, url, who),
        lambda url, who: azure.write_log_analytics(ROWS, "https://e", RULE, STREAM, who, resume=url),
    ],
)
def test_an_address_is_no_name(call, credential):
    url = f"https://films.blob.core.windows.net/box/rows?sv=2026&sig={SECRET}"
    assert "is needed" in told_of(lambda: call(url, credential))


def test_what_is_no_credential_is_not_shown():
    for call in (
        lambda: azure.read_kusto("https://c", "db", "T", START, END, SECRET),
        lambda: azure.write_log_analytics(ROWS, "https://e", RULE, STREAM, SECRET),
        lambda: azure.read_log_analytics("id", START, END, SECRET),
        lambda: azure.read_log_analytics("id", START, END, client_options=SECRET),
        lambda: target_of("https://c/db/t", SECRET),
    ):
        assert "is a str" in told_of(call)


def test_a_token_in_the_variable_is_not_shown(monkeypatch):
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", SECRET)
    assert "ManagedIdentityCredential" in told_of(sdk.default_credential)


@dataclasses.dataclass
class Talkative:
    """A credential that says what it holds."""

    token: str = SECRET

    def get_token(self, *scopes, **options):
        raise ValueError(f"password={SECRET} was refused")


def test_reprs():
    proxies = {"proxies": {"https": f"http://ann:{SECRET}@proxy"}}
    query = f"externaldata(x: string) [h'https://films/box?sig={SECRET}']"
    places = (
        azure.LogAnalytics("id", credential=Talkative(), client_options=proxies),
        azure.DataExplorer("https://c", "db", query, Talkative()),
        target_of(f"https://e/dataCollectionRules/{RULE}/streams/{STREAM}", Talkative(), proxies),
        target_of("https://c/db/t", Talkative()),
        target_of(f"delta:s3://ann:{SECRET}@box/rows"),
        target_of(f"abfs://ann:{SECRET}@films/rows.parquet"),
    )
    for place in places:
        assert SECRET not in repr(place)
        assert SECRET not in getattr(place, "name", "")
    assert target_of("delta:abfss://box@films.dfs.core.windows.net/rows").name.endswith(
        "abfss://box@films.dfs.core.windows.net/rows"
    )


def test_what_a_credential_says(log_analytics, data_explorer, options, trust):
    read = azure.read_log_analytics(
        "id", START, END, Talkative(), endpoint=log_analytics.url, client_options=options
    )
    assert "password=***" in told_of(read.read_all)
    assert "password=***" in told_of(
        lambda: azure.read_kusto(data_explorer.url, "db", "T", START, END, Talkative())
    )


def test_a_server_that_says_the_token(log_analytics, data_explorer, ingestion, credential, options, trust):
    """Its words are shown, but not what it was told."""
    words = f"Bad header 'Authorization: Bearer {SECRET}' at https://x/y?sig={SECRET}"
    log_analytics.script = [error(400, "BadRequest", "Bad", words)]
    read = azure.read_log_analytics(
        "id", START, END, credential, endpoint=log_analytics.url, client_options=options
    )
    assert "Bearer *** at https://x/y?***" in told_of(read.read_all).replace("'", "")
    data_explorer.script = [None, Answer(400, {"error": {"code": "x", "message": words, "@message": words}})]
    told = told_of(lambda: azure.read_kusto(data_explorer.url, "db", "T", START, END, credential))
    assert "Bad header" in told
    ingestion.script = [error(400, "BadRequest", words)]
    told = told_of(
        lambda: azure.write_log_analytics(
            ROWS, ingestion.url, RULE, STREAM, credential, client_options=options
        )
    )
    assert "Bad header" in told
    assert "resume='" in told


def test_a_query_is_not_shown(data_explorer, credential, trust):
    query = f"externaldata(x: string) [h@'https://films/box;{SECRET}']"
    data_explorer.script = [
        None,
        Answer(504, {"error": {"code": "x", "message": "slow", "@message": "slow"}}),
    ]
    told = told_of(lambda: azure.read_kusto(data_explorer.url, "db", query, START, END, credential))
    assert "did not say which columns the events have: slow" in told


@pytest.mark.parametrize("name", ["Rows of März", "a/b?c#d%20e", "x&y=z+1", '["], drop', "..x", "v1.2"])
def test_names_arrive_as_they_are(data_explorer, credential, trust, name):
    columns = (
        "(TimeGenerated: datetime, runId: string, rowKey: string, windowStart: datetime, windowEnd: datetime"
    )
    data_explorer.tables[name] = (f"{columns}, userId: string, videoId: string)", [])
    azure.write_kusto(ROWS, data_explorer.url, "a b/c", name, credential)
    assert data_explorer.tables[name][1][0][-2:] == ["u", "v"]
    path = data_explorer.requests[-1].path
    assert path.startswith("/v1/rest/ingest/a%20b%2Fc/")
    assert path.count("/") == 5
    assert path.count("?") == 1


def test_a_resource_id_goes_nowhere_else(log_analytics, credential, options):
    def read(resource):
        return azure.read_log_analytics(
            resource, START, END, credential, endpoint=log_analytics.url, client_options=options
        ).read_all()

    component = "providers/microsoft.insights/components"
    read(f"/subscriptions/s/resourceGroups/films & more/{component}/c é")
    assert log_analytics.requests[-1].path == (
        f"/v1/subscriptions/s/resourceGroups/films%20%26%20more/{component}/c%20%C3%A9/query"
    )
    asked = len(log_analytics.requests)
    group = "resourceGroups/g"
    for other in ("/", "//host.example/x", "/v1/workspaces/x", f"/subscriptions/../{group}/{component}/c",
                  f"/subscriptions/s/{group}/{component}/c?sig={SECRET}", ".."):  # fmt: skip
        with pytest.raises(OptionError, match="workspace_id"):
            read(other)
    read("a/../b")
    assert log_analytics.requests[asked].path == "/v1/workspaces/a%2F..%2Fb/query"


def test_the_command(monkeypatch, trust, credential, log_analytics, tmp_path):
    monkeypatch.setattr(sdk, "default_credential", lambda: credential)
    log_analytics.tables["AppEvents"] = (SCHEMA, rows_of())
    window = ("--from", START, "--to", END)

    def run(*arguments):
        done = RUNNER.invoke(app, ["azure-etl", *window, *map(str, arguments)])
        assert SECRET not in done.output + done.stderr
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done

    place, out = ("--workspace", "id", "--endpoint", log_analytics.url), ("--out", tmp_path / "rows.parquet")
    for wrong in (
        ("--cluster", f"https://ann:{SECRET}@c/db", *out),
        ("--cluster", f"https://c/db?sig={SECRET}", *out),
        ("--cluster", f"https://c/db/more?sig={SECRET}", *out),
        ("--cluster", "https://[c/db", *out),
        ("--cluster", f"ann:{SECRET}@c/db", *out),
        ("--cluster", "https://c/db", "--table", f"https://c/t?sig={SECRET}", *out),
        ("--workspace", "id", "--endpoint", f"https://{SECRET}@c", *out),
        ("--workspace", f"https://c/?sig={SECRET}", *out),
        (*place, "--out", f"https://c/db/t?sig={SECRET}"),
        (*place, "--out", f"s3://ann:{SECRET}@box/rows"),
        (*place, *out, "--lookback", "inf"),
        (*place, *out, "--lookback", "1e300"),
    ):
        assert run(*wrong).exit_code == 2, wrong
    kept = tmp_path / "rows.parquet"
    figures = run(*place, "--out", kept, "--json")
    assert json.loads(figures.stdout)["target"] == str(kept)
    planned = run(*place, "--out", f"delta:s3://ann:{SECRET}@box/rows?token={SECRET}", "--dry-run", "--json")
    assert json.loads(planned.stdout)["target"] == "the Delta table s3://***@box/rows?***"
