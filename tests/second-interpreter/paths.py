"""The paths through the state machines: what the services answer, and what must come of it.

`answers` gives for each state of type Task what its calls return or throw, in order. The length of a list is the number
of calls that must be made, retries included. States that poll (POLLS) have a list for each call of the state that they
poll for, and the last answer of such a list repeats.
`{now}` in an answer is the moment it is given, `{now -30h}` 30 hours before, and `{date -30h}` the date of that in UTC;
`{crawl 2}` is the moment at which StartCrawler was called the second time.

`states` is a regular expression over the names of the states entered, from the first to the last.
"""

import dataclasses
import json

POLLS = {"GetCrawler": "StartCrawler", "GetQueryExecution": "RunQuery"}


@dataclasses.dataclass(frozen=True)
class Always:
    """Every further call gets this answer."""

    answer: dict


@dataclasses.dataclass(frozen=True)
class Path:
    name: str
    states: str
    answers: dict
    error: str = ""  # of the execution; a path without one must succeed
    cause: str = ""  # of the execution; * stands for any text
    machine: str = "pipeline"
    input: object = dataclasses.field(default_factory=lambda: {"symbols": ["META", "SHOP"]})
    pauses: dict = dataclasses.field(default_factory=dict)  # waits that are not left out, in seconds, by state
    execution: str = ""  # its name; that of the path by default
    started: str = ""  # when the execution started; now by default
    restated: list = dataclasses.field(default_factory=list)  # the symbols that output and message of an export name
    carried_over: list = dataclasses.field(default_factory=list)  # and those of an earlier run
    failed: tuple = ("SHOP",)  # the symbols without bars, of which the message of an export names the first ten
    doubtful_bars: int = 0  # the number that the message of an export has
    list: object = "companies"  # the list that output and message of an export name
    output: object = None  # of the execution, where it matters
    requests: dict = dataclasses.field(default_factory=dict)  # the arguments of each call, by state; * stands for any text
    run_id: str = ""  # what every first call of collect must be given; by default the execution's name and any start


# --- Answers ----------------------------------------------------------------------------------------------------


def returns(result):
    return {"result": result}


def throws(error, cause=None):
    return {"error": error} if cause is None else {"error": error, "cause": cause}


def function_returns(payload):
    return returns({"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": payload})


def function_throws(error, message):
    """What Lambda makes of a function that returns an error."""
    return throws(error, json.dumps({"errorType": error, "errorMessage": message}, separators=(",", ":")))


OUTCOMES = "s3://bucket/runs/trade_date=2026-11-20/run-1/symbols.jsonl"


def failure(symbol):
    return {"symbol": symbol, "reason": "blocked", "detail": 'status 429: "Too Many Requests"', "attempts": 1}


def collection(outcome, bars=156, waits_until=None, doubtful=0, list="companies", failed=("SHOP",)):
    """What collect answers; of many symbols that failed it names the first ten."""
    collected = 1 if bars else 0
    symbols = {
        "uri": OUTCOMES, "requested": collected + len(failed), "collected": collected, "short": 0,
        "bars": {"sessions": bars, "expected": 156, "around_the_clock": 0}, "doubtful_bars": doubtful,
        "failed_count": len(failed), "reasons": {"blocked": len(failed)} if failed else {},
        "failed": [failure(symbol) for symbol in failed[:10]],
    }
    return function_returns({
        "outcome": outcome, "trade_date": "2026-11-20", "interval": "5m", "run_id": "run-1", "list": list,
        "collected_at": "2026-11-20T22:30:01.123Z", "written_at": "{now}", "bars": bars, "records": 1,
        "symbols": symbols, "simulated": False,
        **({"waits_until": waits_until} if waits_until else {}),
    })


def crawl_start(start="started"):
    return function_returns({"crawler": "CrawlerName", "start": start})


def crawler(state, crawl=None, status="SUCCEEDED"):
    """What Glue says of the crawler; `crawl` is when its last crawl began."""
    last = {"Status": status, "StartTime": crawl, "LogGroup": "/aws-glue/crawlers", "LogStream": "CrawlerName"}
    if status == "FAILED":
        last["ErrorMessage"] = 'Insufficient Lake Formation permission(s): required "Describe" on bars'
    answer = {"Name": "CrawlerName", "State": state, "CrawlElapsedTime": 0, **({"LastCrawl": last} if crawl else {})}
    return returns({"Crawler": answer})


def query(state, reason=None):
    status = {"State": state, "SubmissionDateTime": "{now}", **({"StateChangeReason": reason} if reason else {})}
    result = {"OutputLocation": "s3://bucket/results/query-1.csv"}
    return returns({"QueryExecution": {"QueryExecutionId": "query-1", "Status": status, "ResultConfiguration": result}})


# What an export carries over of an earlier run.
EARLIER = [{"symbol": symbol, "collected_at": "2026-11-20T21:15:00Z"} for symbol in ["OKTA", "SNAP"]]


def exported(restated=(), carried_over=()):
    """What export-csv answers; lists without an entry are left out."""
    lists = {"restated": [*restated], "carried_over": [*carried_over]}
    more = {name: listed for name, listed in lists.items() if listed}
    more |= {f"{name}_count": len(listed) for name, listed in lists.items()}
    return function_returns({
        "outcome": "exported", "bars_seen": 156, "rows": 14, "superseded_by": "run-2",
        "csv": "s3://bucket/runs/trade_date=2026-11-20/run-1/hourly_extremes.csv",
        "report": "s3://bucket/runs/trade_date=2026-11-20/run-1/report.html", **more,
    })


def executions(*runs, token=None):
    """A page of what ListExecutions says of runs, each a name and when it ended."""
    found = [{"ExecutionArn": name, "Name": name, "Status": "SUCCEEDED", "StopDate": stop} for name, stop in runs]
    return returns({"Executions": found, **({"NextToken": token} if token else {})})


def execution(**fields):
    """What DescribeExecution says of a run."""
    return returns({"ExecutionArn": "run", "Name": "run", "Status": "SUCCEEDED", "StopDate": "{now}", **fields})


def run_of(value, started="{now -1h}"):
    return execution(Input=json.dumps(value), StartDate=started)


def running(*ticks):
    """What ListExecutions says of the ticks that run, each a name and when it started."""
    found = [{"ExecutionArn": name, "Name": name, "Status": "RUNNING", "StartDate": start} for name, start in ticks]
    return returns({"Executions": found})


def tick(outcome, dates=("2026-11-20",), pending=()):
    """What collect answers to a tick."""
    return function_returns({
        "outcome": outcome, "scheduled_time": "2026-11-20T15:01:00Z", "until": "2026-11-20T15:01:00Z", "interval": "5m",
        "collected_at": "2026-11-20T15:01:02.123Z", "trade_dates": list(dates), "bars": 30 * len(dates),
        "records": len(dates), "requested": 10, "failed": [], "failed_count": 0, "pending": list(pending),
        "pending_count": len(pending), "simulated": True,
    })


LONG_AGO = "2020-01-02T22:30:00Z"
COLLECTED = collection("collected")
BLOCKED = function_throws("MarketBlocked", 'the newest session could not be found: status 429: "Too Many Requests"')
UNAVAILABLE = function_throws("MarketUnavailable", "the newest session could not be found: status 503")
TOO_MANY = throws("Lambda.TooManyRequestsException",
                  "Rate Exceeded. (Service: Lambda, Status Code: 429, Request ID: 5b1c368c)")
STARTED = crawl_start()
CRAWLED = [crawler("RUNNING"), crawler("READY", "{crawl 1}")]
QUERY = function_returns({"query_execution_id": "query-1"})
QUERIED = [query("RUNNING"), query("SUCCEEDED")]
EXPORTED = exported()
INCOMPLETE, NOT_SEEN = (function_returns({"outcome": "incomplete", "bars_seen": seen}) for seen in (100, 0))
SENT = returns({"MessageId": "message-1"})
SNS_FAILS = Always(throws("SNS.KmsDisabledException", "The key is disabled. (Service: Sns, Status Code: 400)"))

# What a run answers up to each of its parts.
COLLECTING = {"Collect": [COLLECTED]}
CRAWLING = {**COLLECTING, "StartCrawler": [STARTED], "GetCrawler": [CRAWLED]}
QUERYING = {**CRAWLING, "RunQuery": [QUERY], "GetQueryExecution": [QUERIED]}
HAPPY = {**QUERYING, "ExportCsv": [EXPORTED], "NotifyExported": [SENT]}
FAILING = {"NotifyFailed": [SENT]}

# --- States -----------------------------------------------------------------------------------------------------

COLLECT = " Collect CollectionState "
POLL_CRAWL = " WaitForCrawl GetCrawler CrawlState "
CRAWL = " StartCrawler(" + POLL_CRAWL + ")+ "
POLL_QUERY = " WaitForQuery GetQueryExecution QueryState "
ASK = " RunQuery(" + POLL_QUERY + ")+ "
EXPORT = ASK + "ExportCsv AllBarsSeen "
END = EXPORT + "NotifyExported Exported"
FAIL = " DescribeFailure NotifyFailed Failed"
TO_CRAWL = "Begin" + COLLECT + "WaitForDelivery "
TO_QUERY = TO_CRAWL + CRAWL

# --- The paths of the pipeline ----------------------------------------------------------------------------------

COLLECTIONS = [
    Path("happy", TO_QUERY + END, HAPPY),
    Path("short", "Begin" + COLLECT + "WaitForLateBars" + COLLECT + "WaitForDelivery" + CRAWL + END,
         {**HAPPY, "Collect": [collection("short", 150), COLLECTED]}),
    Path("session_open", "Begin" + COLLECT + "(WaitForSessions" + COLLECT + "){2} WaitForDelivery" + CRAWL + END,
         {**HAPPY, "Collect": [collection("session_open", 78, "{now}")] * 2 + [collection("session_open", 156, "{now}")]}),
    Path("session_open_alone", "Begin" + COLLECT + "WaitForSessions" + COLLECT + "WaitForDelivery" + CRAWL + END,
         {**HAPPY, "Collect": [collection("session_open", 0, "{now}"), COLLECTED]}),
    Path("session_open_to_the_end", "Begin" + COLLECT + "(WaitForSessions" + COLLECT + "){2} NothingCollected" + FAIL,
         {"Collect": [collection("session_open", 0, "{now}")] * 3, **FAILING}, "SessionNotOver",
         "no bars of 2026-11-20 after 3 attempts: SHOP: *"),
    Path("doubtful", TO_QUERY + END,
         {**HAPPY, "Collect": [collection("collected", doubtful=2)]}, doubtful_bars=2),
    *[Path(f"without_bars_{len(symbols)}", TO_QUERY + END, {**HAPPY, "Collect": [collection("collected", failed=symbols)]},
           failed=symbols)
      for symbols in [(), ("SHOP", "SNAP"), tuple(f"S{number}" for number in range(10_000))]],
    Path("out_of_time", "Begin" + COLLECT * 2 + "WaitForDelivery" + CRAWL + END,
         {**HAPPY, "Collect": [collection("out_of_time", 78), COLLECTED]}),
    Path("blocked", "Begin" + COLLECT + "WaitForMarket" + COLLECT + "WaitForDelivery" + CRAWL + END,
         {**HAPPY, "Collect": [collection("blocked", 0), COLLECTED]}),
    Path("unavailable", "Begin" + COLLECT + "(WaitForMarket" + COLLECT + "){2} WaitForDelivery" + CRAWL + END,
         {**HAPPY, "Collect": [collection("unavailable", 0), collection("blocked", 78), COLLECTED]}),
    Path("unavailable_to_the_end", "Begin" + COLLECT + "(WaitForMarket" + COLLECT + "){4} NothingCollected" + FAIL,
         {"Collect": [collection("unavailable", 0)] * 5, **FAILING}, "MarketUnavailable",
         "no bars of 2026-11-20 after 5 attempts: SHOP: *"),
    Path("market_unavailable_then_blocked",
         "Begin Collect(MarketDoesNotAnswer WaitForMarket Collect){2} CollectionState WaitForDelivery" + CRAWL + END,
         {**HAPPY, "Collect": [UNAVAILABLE, BLOCKED, COLLECTED]}),
    Path("market_unavailable_to_the_end",
         "Begin Collect(MarketDoesNotAnswer WaitForMarket Collect){4} MarketDoesNotAnswer" + FAIL,
         {"Collect": [UNAVAILABLE] * 5, **FAILING}, "MarketUnavailable",
         "the newest session could not be found: status 503"),
    Path("blocked_to_the_end", "Begin" + COLLECT + "(WaitForMarket" + COLLECT + "){4} NothingCollected" + FAIL,
         {"Collect": [collection("blocked", 0)] * 5, **FAILING}, "MarketBlocked",
         'no bars of 2026-11-20 after 5 attempts: SHOP: status 429: "Too Many Requests"'),
    Path("blocked_with_bars", "Begin" + COLLECT + "(WaitForMarket" + COLLECT + "){4} WaitForDelivery" + CRAWL + END,
         {**HAPPY, "Collect": [collection("blocked", 156)] * 5}),
    Path("market_blocked", "Begin Collect MarketDoesNotAnswer WaitForMarket" + COLLECT + "WaitForDelivery" + CRAWL + END,
         {**HAPPY, "Collect": [BLOCKED, COLLECTED]}),
    Path("market_blocked_to_the_end", "Begin Collect(MarketDoesNotAnswer WaitForMarket Collect){4} MarketDoesNotAnswer" + FAIL,
         {"Collect": [BLOCKED] * 5, **FAILING}, "MarketBlocked",
         'the newest session could not be found: status 429: "Too Many Requests"'),
    Path("no_session", "Begin" + COLLECT + "NotifyNoSession NoSession",
         {"Collect": [collection("no_session", 0)], "NotifyNoSession": [SENT]}),
    # Step Functions frees a name after 90 days, but the lake keeps the bars. It leaves out milliseconds that are zero.
    *[Path(f"run_id_{name}", "Begin Collect MarketDoesNotAnswer WaitForMarket" + COLLECT + "NotifyNoSession NoSession",
           {"Collect": [TOO_MANY, BLOCKED, collection("no_session", 0)], "NotifyNoSession": [SENT]},
           execution=execution, started=started, run_id=run_id)
      for name, execution, started, run_id in [
          ("first", "backfill-1", "2026-11-20T22:30:00.123Z", "backfill-1.2026-11-20T223000.123Z"),
          ("of_a_name_used_again", "backfill-1", "2027-02-19T08:05:09Z", "backfill-1.2027-02-19T080509Z"),
          ("of_other_characters", "tägl.(1)=@+'!", "2026-11-20T22:30:00.5Z", "tgl.1.2026-11-20T223000.5Z"),
          ("of_the_longest_name", "x" * 80, "2026-11-20T22:30:00.123Z", "x" * 80 + ".2026-11-20T223000.123Z"),
      ]],
    Path("run_id_in_the_input", "Begin" + COLLECT + "NotifyNoSession NoSession",
         {"Collect": [collection("no_session", 0)], "NotifyNoSession": [SENT]}, input={"run_id": "scheduled-1"}),
    Path("input_is_no_object", "Begin Collect" + FAIL,
         {"Collect": [function_throws("InvalidInput", 'the request is not an object: "2026-11-20"')], **FAILING},
         "InvalidInput", 'the request is not an object: "2026-11-20"', input="2026-11-20"),
]

CRAWLS = [
    # Somebody else's crawl may have begun before the bars were written, so another one is due.
    Path("crawler_busy", TO_CRAWL + CRAWL * 2 + END, {
        **HAPPY, "StartCrawler": [crawl_start("already_running"), STARTED],
        "GetCrawler": [[crawler("RUNNING", LONG_AGO), crawler("READY", LONG_AGO)], [crawler("READY", "{crawl 2}")]]}),
    Path("crawl_stale_then_fresh", TO_CRAWL + "StartCrawler(" + POLL_CRAWL + "){4}" + END, {
        **HAPPY, "GetCrawler": [[crawler("RUNNING", LONG_AGO), crawler("RUNNING", LONG_AGO),
                                 crawler("STOPPING", LONG_AGO), crawler("READY", "{crawl 1}")]]}),
    Path("crawler_ready_early", TO_CRAWL + "StartCrawler(" + POLL_CRAWL + "){3}" + END, {
        **HAPPY, "GetCrawler": [[crawler("STOPPING", LONG_AGO), crawler("READY", LONG_AGO),
                                 crawler("READY", "{crawl 1}")]]}),
    Path("crawl_failed_once", TO_CRAWL + CRAWL + "RetryCrawl" + CRAWL + END, {
        **HAPPY, "StartCrawler": [STARTED] * 2,
        "GetCrawler": [[crawler("READY", "{crawl 1}", "FAILED")],
                       [crawler("RUNNING", "{crawl 1}", "FAILED"), crawler("READY", "{crawl 2}")]]}),
    Path("crawl_failed_twice", TO_CRAWL + CRAWL + "RetryCrawl" + CRAWL + "CrawlFailed" + FAIL, {
        **COLLECTING, **FAILING, "StartCrawler": [STARTED] * 2,
        "GetCrawler": [[crawler("READY", "{crawl 1}", "FAILED")], [crawler("READY", "{crawl 2}", "FAILED")]]},
        "CrawlFailed", "*ended as FAILED: Insufficient Lake Formation permission(s): required \"Describe\" on bars*"),
    # The first crawl failed; the second has ended well, which LastCrawl does not say at once.
    Path("second_crawl_ready_early", TO_CRAWL + CRAWL + "RetryCrawl StartCrawler(" + POLL_CRAWL + "){2}" + END, {
        **HAPPY, "StartCrawler": [STARTED] * 2,
        "GetCrawler": [[crawler("READY", "{crawl 1}", "FAILED")],
                       [crawler("READY", "{crawl 1}", "FAILED"), crawler("READY", "{crawl 2}")]]},
        pauses={"WaitForCrawl": 2}),
    Path("crawl_never_ends", TO_CRAWL + CRAWL + "CrawlTimedOut" + FAIL,
         {**CRAWLING, **FAILING, "GetCrawler": [[crawler("RUNNING")]]}, "CrawlTimedOut", "no crawl *"),
    # The polls show the first crawl until the second has ended; no query may run, nor a third crawl be started, before.
    Path("second_crawl", TO_CRAWL + CRAWL + EXPORT + "WaitForPartition StartCrawler(" + POLL_CRAWL + "){4}" + END, {
        **HAPPY, "StartCrawler": [STARTED] * 2, "RunQuery": [QUERY] * 2, "ExportCsv": [NOT_SEEN, EXPORTED],
        "GetCrawler": [CRAWLED, [crawler("RUNNING", "{crawl 1}"), crawler("RUNNING", "{crawl 1}"),
                                 crawler("STOPPING", "{crawl 1}"), crawler("READY", "{crawl 2}")]],
        "GetQueryExecution": [QUERIED] * 2}, pauses={"WaitForPartition": 2}),
    Path("no_crawler", TO_CRAWL + "StartCrawler WaitForCrawl GetCrawler" + FAIL, {
        **CRAWLING, **FAILING, "GetCrawler": [[throws(
            "Glue.EntityNotFoundException",
            "Crawler with name CrawlerName does not exist (Service: Glue, Status Code: 400, Request ID: 1)")]]},
        "Glue.EntityNotFoundException", "Crawler with name CrawlerName does not exist (Service: Glue, *"),
]

QUERIES = [
    Path("query_queued_for_long",
         TO_QUERY + "RunQuery(" + POLL_QUERY + "){62} ExportCsv AllBarsSeen NotifyExported Exported",
         {**HAPPY, "GetQueryExecution": [[query("QUEUED")] * 60 + QUERIED]}),
    Path("query_failed", TO_QUERY + ASK + "QueryFailed" + FAIL,
         {**QUERYING, **FAILING, "GetQueryExecution": [[query("FAILED", 'SYNTAX_ERROR: line 1:8: Column "high"')]]},
         "QueryFailed", 'the query query-1 ended as FAILED: SYNTAX_ERROR: line 1:8: Column "high"'),
    Path("query_cancelled", TO_QUERY + ASK + "QueryFailed" + FAIL,
         {**QUERYING, **FAILING, "GetQueryExecution": [[query("RUNNING"), query("CANCELLED")]]},
         "QueryFailed", "the query query-1 ended as CANCELLED: no reason given"),
    Path("query_timed_out", TO_QUERY + ASK + "QueryTimedOut" + FAIL,
         {**QUERYING, **FAILING, "GetQueryExecution": [[query("QUEUED")]]},
         "QueryTimedOut", "the query query-1 was still QUEUED after * polls;*"),
    Path("query_unknown", TO_QUERY + "RunQuery WaitForQuery GetQueryExecution" + FAIL, {
        **QUERYING, **FAILING, "GetQueryExecution": [[throws(
            "Athena.InvalidRequestException",
            "QueryExecution query-1 was not found (Service: Athena, Status Code: 400, Request ID: 1)")]]},
        "Athena.InvalidRequestException", "QueryExecution query-1 was not found (Service: Athena, *"),
    *[Path(f"restated_{name}", TO_QUERY + END, {**HAPPY, "ExportCsv": [exported(restated=symbols)]}, restated=symbols)
      for name, symbols in [("none", []), ("one", ["META"]), ("two", ["META", "SHOP"])]],
    *[Path(f"carried_over_{len(symbols)}", TO_QUERY + END, {**HAPPY, "ExportCsv": [exported(carried_over=symbols)]},
           carried_over=symbols)
      for symbols in [EARLIER[:1], EARLIER]],
    Path("symbols_by_hand", TO_QUERY + END, {**HAPPY, "Collect": [collection("collected", list=None)]}, list=None),
    Path("bars_missing_once", TO_QUERY + EXPORT + "WaitForBars" + END, {
        **HAPPY, "RunQuery": [QUERY] * 2, "GetQueryExecution": [QUERIED] * 2, "ExportCsv": [INCOMPLETE, EXPORTED]}),
    Path("bars_missing_for_ever", TO_QUERY + EXPORT + "(WaitForBars" + EXPORT + "){14} BarsMissing" + FAIL, {
        **CRAWLING, **FAILING, "RunQuery": [QUERY] * 15, "GetQueryExecution": [QUERIED] * 15,
        "ExportCsv": [INCOMPLETE] * 15},
        "BarsMissing", "the lake shows 100 of the 156 bars that were collected;*"),
    # A crawl is paid for, so there are four more at most; the queries go on.
    Path("no_bar_for_ever", TO_QUERY + EXPORT + "(WaitForPartition" + CRAWL + EXPORT + "){4}"
         "(WaitForBars" + EXPORT + "){10} BarsMissing" + FAIL, {
             **COLLECTING, **FAILING, "StartCrawler": [STARTED] * 5,
             "GetCrawler": [[crawler("READY", f"{{crawl {number}}}")] for number in range(1, 6)],
             "RunQuery": [QUERY] * 15, "GetQueryExecution": [QUERIED] * 15, "ExportCsv": [NOT_SEEN] * 15},
         "BarsMissing", "the lake shows 0 of the 156 bars that were collected;*", pauses={"WaitForPartition": 2}),
]

MESSAGES = [
    Path("message_fails_after_export", TO_QUERY + END, {**HAPPY, "NotifyExported": [SNS_FAILS]}),
    Path("message_fails_after_no_session", "Begin" + COLLECT + "NotifyNoSession NoSession",
         {"Collect": [collection("no_session", 0)], "NotifyNoSession": [SNS_FAILS]}),
    Path("message_fails_after_failure", TO_QUERY + ASK + "QueryFailed" + FAIL,
         {**QUERYING, "NotifyFailed": [SNS_FAILS],
          "GetQueryExecution": [[query("FAILED", "HIVE_CURSOR_ERROR: not JSON")]]},
         "QueryFailed", "*HIVE_CURSOR_ERROR: not JSON"),
    Path("message_retried", TO_QUERY + END, {**HAPPY, "NotifyExported": [SNS_FAILS.answer, SENT]}),
]

# --- What Lambda throws -----------------------------------------------------------------------------------------

# The causes are worded as AWS words them.
NO_ERROR_TYPE = "The cause could not be determined because Lambda did not return an error type. Returned payload: "
TIMED_OUT = "Task timed out after 300.00 seconds"
UNKNOWN = throws("Lambda.Unknown", NO_ERROR_TYPE + json.dumps({
    "errorMessage": "2026-11-20T22:35:00.000Z 5b1c368c-0000-4000-8000-000000000000 " + TIMED_OUT}))
EXIT_MESSAGE = "RequestId: 5b1c368c Error: Runtime exited with error: signal: killed"
CLIENT_TIMEOUT = throws("Lambda.ClientExecutionTimeoutException",
                        "Client execution did not complete before the specified timeout configuration: 900000 millis")
SERVICE = throws("Lambda.ServiceException", "Service is unavailable (Service: Lambda, Status Code: 503, Request ID: 1)")
NOT_ALLOWED = throws("Lambda.AWSLambdaException",
                     "User: arn:aws:sts::000000000000:assumed-role/r/1 is not authorized to perform: "
                     "lambda:InvokeFunction (Service: Lambda, Status Code: 403, Request ID: 1)")
SDK_CLIENT = throws("Lambda.SdkClientException", "Unable to execute HTTP request: Read timed out")
# Nearly as long as a cause may be; a regular expression must not run out of stack on it:
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskFailedEventDetails.html
LONG = 'META: "no trades"; ' * 1500
# Cut off, the second where it happens to end as JSON does.
CUT_OFF = '{"errorType":"ServiceRefused","errorMessage":"Glue refused the call: {\\"Message\\":\\"no such crawl'
CUT_OFF_AT_BRACE = '{"errorType":"ServiceRefused","errorMessage":"Glue refused the call {a} and {b}'
# What looks like a function's error and is not JSON, or not one error.
NOT_JSON = [
    ("escape", r'{"errorType":"A","errorMessage":"a\q"}'),
    ("code_point", r'{"errorType":"A","errorMessage":"a\u12"}'),
    ("surrogate", r'{"errorType":"A","errorMessage":"a\ud800"}'),
    ("line_break", '{"errorType":"A","errorMessage":"a\nb"}'),
    ("two_types", '{"errorType":"A","errorType":"B"}'),
    ("trailing_backslash", '{"errorType":"A","errorMessage":"a\\"}'),
]

# A timeout has no cause, and each task has a handler of its own for it. Names that begin with States. are reserved, so
# the run's own error has another.
TIMEOUT = throws("States.Timeout")
TIMED_OUT_STATES = {
    "collect": ("Begin Collect", {"Collect": [Always(TIMEOUT)]}),
    "start_crawler": (TO_CRAWL + "StartCrawler", {**COLLECTING, "StartCrawler": [Always(TIMEOUT)]}),
    "get_crawler": (TO_CRAWL + "StartCrawler WaitForCrawl GetCrawler", {**CRAWLING, "GetCrawler": [[TIMEOUT]]}),
    "run_query": (TO_QUERY + "RunQuery", {**CRAWLING, "RunQuery": [Always(TIMEOUT)]}),
    "get_query_execution": (TO_QUERY + "RunQuery WaitForQuery GetQueryExecution",
                            {**QUERYING, "GetQueryExecution": [[TIMEOUT]]}),
    "export_csv": (TO_QUERY + ASK + "ExportCsv", {**QUERYING, "ExportCsv": [Always(TIMEOUT)]}),
    "notify_failed": ("Begin Collect", {"Collect": [Always(TIMEOUT)], "NotifyFailed": [Always(TIMEOUT)]}),
}


def once(name, error, state="Collect"):
    """A transient error: the call is repeated and the run succeeds."""
    return Path(name, TO_QUERY + END, {**HAPPY, state: [error, *HAPPY[state]]})


def fails(name, answers, cause, error=""):
    """The run fails with what Collect throws."""
    thrown = answers[0]["error"]
    return Path(name, "Begin Collect" + FAIL, {"Collect": answers, **FAILING}, error or thrown, cause)


def permanent_error(name, error, cause, reported=""):
    """A transient error that does not pass: it is tried again before the run fails."""
    return fails(name, [error, Always(error)], cause, reported)


ERRORS = [
    fails("function_error", [function_throws("NoBars", 'META: "no trades"\nSHOP: {}')], 'META: "no trades"\nSHOP: {}'),
    permanent_error("function_unavailable", function_throws("DeliveryFailed", "Firehose refused 3 records"),
            "Firehose refused 3 records"),
    permanent_error("lambda_unknown", UNKNOWN, NO_ERROR_TYPE + "*" + TIMED_OUT + "*"),
    permanent_error("lambda_sandbox_timed_out", function_throws("Sandbox.Timedout", "RequestId: 5b1c368c Error: " + TIMED_OUT),
            "RequestId: 5b1c368c Error: " + TIMED_OUT),
    permanent_error("lambda_exit_error", function_throws("Runtime.ExitError", EXIT_MESSAGE), EXIT_MESSAGE),
    permanent_error("lambda_too_many_requests", TOO_MANY, "Rate Exceeded.*"),
    permanent_error("lambda_client_timeout", CLIENT_TIMEOUT, "Client execution did not complete *"),
    permanent_error("lambda_service_exception", SERVICE, "Service is unavailable *"),
    permanent_error("lambda_not_allowed", NOT_ALLOWED, "*is not authorized to perform: lambda:InvokeFunction*"),
    permanent_error("lambda_sdk_client_exception", SDK_CLIENT, "Unable to execute HTTP request: Read timed out"),
    permanent_error("cause_empty", throws("Lambda.Unknown", ""), "no cause was given"),
    permanent_error("cause_absent", throws("Lambda.Unknown"), "no cause was given"),
    fails("cause_long", [function_throws("NoBars", LONG)], LONG),
    fails("cause_cut_off", [throws("ServiceRefused", CUT_OFF)], "*Glue refused the call*"),
    fails("cause_cut_off_at_a_brace", [throws("ServiceRefused", CUT_OFF_AT_BRACE)], "*Glue refused the call*"),
    *[fails(f"cause_not_json_{name}", [throws("ServiceRefused", cause)], cause) for name, cause in NOT_JSON],
    *[Path(f"{name}_timed_out", states + FAIL, {**FAILING, **answers}, "TimedOut", "States.Timeout: no cause was given")
      for name, (states, answers) in TIMED_OUT_STATES.items()],
    Path("notify_exported_timed_out", TO_QUERY + END, {**HAPPY, "NotifyExported": [Always(TIMEOUT)]}),
    Path("notify_no_session_timed_out", "Begin" + COLLECT + "NotifyNoSession NoSession",
         {"Collect": [collection("no_session", 0)], "NotifyNoSession": [Always(TIMEOUT)]}),
    Path("expression_fails", TO_QUERY + "RunQuery" + FAIL,
         {**CRAWLING, **FAILING, "RunQuery": [function_returns({})]},
         "StateMachineError", "States.QueryEvaluationError: *"),
    once("unknown_once", UNKNOWN),
    once("task_timed_out_once", TIMEOUT, "ExportCsv"),
    once("client_timeout_once", CLIENT_TIMEOUT),
    once("client_timeout_once_at_start_crawler", CLIENT_TIMEOUT, "StartCrawler"),
    once("client_timeout_once_at_run_query", CLIENT_TIMEOUT, "RunQuery"),
    once("client_timeout_once_at_export_csv", CLIENT_TIMEOUT, "ExportCsv"),
    once("too_many_requests_once", TOO_MANY, "RunQuery"),
]

# --- The paths of the watch -------------------------------------------------------------------------------------

LIST_FAILS = throws("Sfn.StateMachineDoesNotExistException",
                    "State Machine Does Not Exist: 'PipelineArn' (Service: Sfn, Status Code: 400)")
THROTTLED = throws("Sfn.SfnException", "Rate exceeded (Service: Sfn, Status Code: 400, Request ID: 1)")
SCHEDULED = {"scheduled_time": "{now -13h}"}
ONE = executions(("run-1", "{now}"))
BACKFILLS = executions(*[("backfill-1", "{now}")] * 100, token="next")
LIST, DESCRIBE = " ListRuns HasSessionRunSucceeded ", " DescribeRun HasSessionRunSucceeded "


def watch(name, states, pages, described=(), error="", cause=""):
    answers = {"ListRuns": list(pages), "DescribeRun": list(described)}
    return Path(name, "Begin" + states, answers, error, cause, "watch")


def quiet(name, *pages, states=LIST + DESCRIBE, described=(run_of(SCHEDULED),)):
    return watch(name, states + "RunSucceeded", pages, described)


def alarm(name, *pages, states=LIST, described=()):
    return watch(name, states + "NoRunSucceeded", pages, described, "NoRunSucceeded",
                 "the run of the last 24 hours' session has not succeeded *")


# The session's own run: the schedule's, or one by hand that collects the same.
OWN_RUNS = {
    "the_schedule": SCHEDULED,
    "hand_without_options": {},
    "the_schedule_with_its_list": {**SCHEDULED, "list": "companies"},
    "hand_with_nulls": {"trade_date": None, "list": None, "symbols": None, "interval": None, "scheduled_time": None},
    "hand_with_the_placeholder": {"scheduled_time": "<aws.scheduler.scheduled-time>"},
    "hand_of_the_session": {"trade_date": "{date -15h}"},
    "hand_of_the_session_at_an_old_time": {"trade_date": "{date -15h}", "scheduled_time": LONG_AGO},
    "hand_with_the_default_interval": {"interval": "5m"},
}
# Runs that collect something else, and inputs that the pipeline does not accept.
OTHER_RUNS = {
    "of_the_day_before": {"trade_date": "{date -40h}"},
    "of_another_date": {"trade_date": "2020-01-02"},
    "of_an_old_time": {"scheduled_time": "{now -37h}"},
    "of_one_symbol": {"symbols": ["META"]},
    "of_another_list": {**SCHEDULED, "list": "tech"},
    "of_a_later_date": {"trade_date": "2999-01-04"},
    "of_one_symbol_of_the_session": {"trade_date": "{date -15h}", "symbols": ["META"]},
    "of_another_interval": {"interval": "1m"},
    "of_null": None,
    "of_text": "2026-11-20",
    "of_a_number": 7,
    "of_true": True,
    "of_a_list": [],
    "of_a_list_of_objects": [{}, {}],
}

WATCHES = [
    *[quiet(f"watch_run_by_{name}", ONE, described=[run_of(value)]) for name, value in OWN_RUNS.items()],
    *[alarm(f"watch_run_{name}", ONE, states=LIST + DESCRIBE, described=[run_of(value)])
      for name, value in OTHER_RUNS.items()],
    alarm("watch_run_without_input", ONE, states=LIST + DESCRIBE, described=[execution(StartDate="{now -1h}")]),
    # Before the session has ended the newest one is that of the day before.
    alarm("watch_run_by_hand_in_the_morning", ONE, states=LIST + DESCRIBE, described=[run_of({}, "{now -17h}")]),
    # The schedule starts its run after the session, at whatever time of the day.
    quiet("watch_run_by_an_early_schedule", ONE, described=[run_of({"scheduled_time": "{now -20h}"}, "{now -20h}")]),
    quiet("watch_several_runs",
          executions(("run-3", "{now}"), ("run-2", "{now}"), ("backfill-1", "{now}"), ("run-1", "{now}")),
          states=LIST + DESCRIBE * 3, described=[run_of({"symbols": ["META"]}), run_of("text"), run_of(SCHEDULED)]),
    alarm("watch_no_runs", executions()),
    alarm("watch_no_runs_of_today", executions(("scheduled-2020-01-02", LONG_AGO))),
    alarm("watch_only_a_backfill", executions(("backfill-2026-11-20", "{now}"))),
    # A long backfill fills pages of its own, and runs by hand come before the schedule's.
    quiet("watch_third_page", BACKFILLS, executions(("run-3", "{now}"), ("run-2", "{now}"), token="next"), ONE,
          states=LIST * 2 + DESCRIBE * 2 + LIST + DESCRIBE,
          described=[run_of({"trade_date": "2020-01-02"}), run_of({"interval": "1h"}), run_of(SCHEDULED)]),
    quiet("watch_empty_page", executions(token="next"), ONE, states=LIST * 2 + DESCRIBE),
    alarm("watch_older_pages", executions(("backfill-1", "{now}"), ("run-1", LONG_AGO), token="next")),
    alarm("watch_pages_without_end", Always(executions(("backfill-1", "{now}"), token="next")),
          states=f"({LIST}){{20}}"),
    alarm("watch_runs_without_end", *[executions(*[(f"run-{n}", "{now}") for n in range(100)], token="next")] * 20,
          states=f"({LIST}({DESCRIBE}){{100}}){{4}}({LIST}){{16}}", described=[Always(run_of({"symbols": ["META"]}))]),
    quiet("watch_list_fails_once", LIST_FAILS, ONE),
    watch("watch_list_fails", " ListRuns", [Always(LIST_FAILS)], error="Sfn.StateMachineDoesNotExistException",
          cause="State Machine Does Not Exist: *"),
    watch("watch_list_times_out", " ListRuns", [Always(TIMEOUT)], error="States.Timeout"),
    watch("watch_description_times_out", LIST + " DescribeRun", [ONE], [Always(TIMEOUT)], "States.Timeout"),
    quiet("watch_description_throttled", ONE, described=[THROTTLED, THROTTLED, run_of(SCHEDULED)]),
    watch("watch_description_fails", LIST + " DescribeRun", [ONE], [Always(THROTTLED)], "Sfn.SfnException",
          "Rate exceeded *"),
]

# --- The paths of a tick of the open session --------------------------------------------------------------------

STARTED_AT = "2026-11-20T15:01:00.500Z"
TICK_INPUT = {"live": True, "scheduled_time": "2026-11-20T15:01:00Z", "list": "companies", "interval": "5m"}
ALONE = {"ListTicks": [running(("tick-5", STARTED_AT))]}
TABLE = returns({"Table": {"Name": "TableName", "StorageDescriptor": {
    "Location": "s3://bucket/bars/", "Columns": [{"Name": "symbol", "Type": "string"}], "NumberOfBuckets": 0}}})
CREATED = returns({})
ALREADY = throws("Glue.AlreadyExistsException", "Partition already exists. (Service: Glue, Status Code: 400)")
FIRST, LIVE_COLLECT, PARTITION, LIVE_FAIL = (
    "ListTicks IsFirst ", " Collect TickState ", " GetTable CreatePartition TickState ", " DescribeFailure Failed")


def live(name, states, answers, error="", cause="", **more):
    return Path(name, states, {**ALONE, **answers}, error, cause, "live",
                **{"input": TICK_INPUT, "execution": "tick-5", "started": STARTED_AT, **more})


def collected_with(*answers, dates=("2026-11-20",)):
    """The answers of a tick that ends well, whose partitions are new."""
    return {"Collect": list(answers), "GetTable": [TABLE] * len(dates), "CreatePartition": [CREATED] * len(dates)}


def partition(date):
    return {"DatabaseName": "DatabaseName", "TableName": "TableName", "PartitionInput": {
        "Values": [date], "StorageDescriptor": {
            "Location": f"s3://bucket/bars/trade_date={date}/", "Columns": [{"Name": "symbol", "Type": "string"}],
            "NumberOfBuckets": 0}}}


LATER = {**TICK_INPUT, "until": "20*Z"}
SYMBOLS = {**TICK_INPUT, "symbols": ["META", "SHOP"]}
del SYMBOLS["list"]

TICKS = [
    live("tick_collected", FIRST + LIVE_COLLECT + PARTITION + "Collected", collected_with(tick("collected")),
         requests={"Collect": [TICK_INPUT], "CreatePartition": [partition("2026-11-20")]},
         output=tick("collected")["result"]["Payload"]),
    live("tick_without_input", FIRST + LIVE_COLLECT + PARTITION + "Collected", collected_with(tick("collected")),
         input={}, requests={"Collect": [{"live": True}]}),
    live("tick_input_is_no_object", FIRST + "Collect" + LIVE_FAIL,
         {"Collect": [function_throws("InvalidInput", "the request is not an object")]}, "InvalidInput",
         "the request is not an object", input="now", requests={"Collect": ["now"]}),
    live("tick_partition_known", FIRST + LIVE_COLLECT + PARTITION + "Collected",
         {**collected_with(tick("collected")), "CreatePartition": [ALREADY]}),
    live("tick_of_two_dates", FIRST + LIVE_COLLECT + PARTITION * 2 + "Collected",
         {**collected_with(tick("collected", ["2026-11-20", "2026-11-21"]), dates="12"), "CreatePartition": [ALREADY, CREATED]},
         requests={"CreatePartition": [partition("2026-11-20"), partition("2026-11-21")]}),
    live("tick_without_bars", FIRST + LIVE_COLLECT + "Collected", {"Collect": [tick("collected", [])]}),
    live("tick_closed", FIRST + LIVE_COLLECT + "Collected", {"Collect": [tick("closed", [])]},
         output=tick("closed", [])["result"]["Payload"]),
    # Other ticks: those that started before win, and at the same moment the smaller name.
    *[live(f"tick_beside_{name}", FIRST + "OtherTick", {"ListTicks": [running(("tick-5", STARTED_AT), other)]},
           output={"outcome": "other_tick"})
      for name, other in [("an_older_one", ("tick-9", "2026-11-20T14:56:00.500Z")),
                          ("one_a_millisecond_older", ("tick-9", "2026-11-20T15:01:00.499Z")),
                          ("a_smaller_name", ("tick-4", STARTED_AT))]],
    *[live(f"tick_beside_{name}", FIRST + LIVE_COLLECT + "Collected",
           {"ListTicks": [running(*others)], "Collect": [tick("closed", [])]})
      for name, others in [("a_newer_one", [("tick-4", "2026-11-20T15:01:00.501Z"), ("tick-5", STARTED_AT)]),
                           ("a_larger_name", [("tick-6", STARTED_AT), ("tick-5", STARTED_AT)]),
                           ("none", [])]],
    live("tick_list_throttled", FIRST + LIVE_COLLECT + "Collected",
         {"ListTicks": [THROTTLED, *ALONE["ListTicks"]], "Collect": [tick("closed", [])]}),
    live("tick_list_fails", "ListTicks" + LIVE_FAIL, {"ListTicks": [LIST_FAILS]},
         "Sfn.StateMachineDoesNotExistException", "State Machine Does Not Exist: *"),
    live("tick_list_times_out", "ListTicks" + LIVE_FAIL, {"ListTicks": [Always(TIMEOUT)]}, "TimedOut",
         "States.Timeout: no cause was given"),
    # What was written is visible before the rest is requested.
    live("tick_out_of_time", FIRST + LIVE_COLLECT + PARTITION + LIVE_COLLECT + PARTITION + "Collected",
         {**collected_with(tick("out_of_time", pending=["TTD"]), tick("collected"), dates="12"),
          "CreatePartition": [CREATED, ALREADY]},
         requests={"Collect": [SYMBOLS, {**SYMBOLS, "until": "2026-11-20T15:01:00Z", "pending": ["TTD"]}]}, input=SYMBOLS),
    live("tick_out_of_time_for_ever", FIRST + "(" + LIVE_COLLECT + "){10} SymbolsPending" + LIVE_FAIL,
         {"Collect": [tick("out_of_time", [], ["TTD", "SNAP"])] * 10}, "OutOfTime",
         "2 of 10 symbols were still to be requested after 10 attempts, TTD first; *"),
    live("tick_blocked", FIRST + LIVE_COLLECT + PARTITION + "WaitForMarket" + LIVE_COLLECT + PARTITION + "Collected",
         {**collected_with(tick("blocked", pending=["TTD", "SNAP"]), tick("collected"), dates="12"),
          "CreatePartition": [CREATED, ALREADY]},
         requests={"Collect": [TICK_INPUT, LATER]}),
    live("tick_unavailable", FIRST + "(" + LIVE_COLLECT + "WaitForMarket){2}" + LIVE_COLLECT + PARTITION + "Collected",
         collected_with(tick("unavailable", [], ["TTD"]), tick("blocked", [], ["TTD"]), tick("collected")),
         requests={"Collect": [TICK_INPUT, LATER, LATER]}),
    # After a wait the time may run out, too; the bars of the wait are still collected.
    live("tick_blocked_then_out_of_time", FIRST + LIVE_COLLECT + "WaitForMarket" + LIVE_COLLECT * 2 + PARTITION + "Collected",
         collected_with(tick("blocked", [], ["TTD"]), tick("out_of_time", [], ["TTD", "SNAP"]), tick("collected")),
         requests={"Collect": [TICK_INPUT, LATER, {**LATER, "until": "2026-11-20T15:01:00Z", "pending": ["TTD", "SNAP"]}]}),
    live("tick_without_a_time_blocked", FIRST + LIVE_COLLECT + "WaitForMarket" + LIVE_COLLECT + "Collected",
         {"Collect": [tick("blocked", [], ["TTD"]), tick("collected", [])]}, input={"live": True},
         requests={"Collect": [{"live": True},
                               {"live": True, "scheduled_time": "2026-11-20T15:01:00Z", "until": "20*Z"}]}),
    *[live(f"tick_{outcome}_to_the_end", FIRST + LIVE_COLLECT + "(WaitForMarket" + LIVE_COLLECT + "){4} SymbolsPending" + LIVE_FAIL,
           {"Collect": [tick(outcome, [], ["TTD"])] * 5}, error,
           "1 of 10 symbols were still to be requested after 5 attempts, TTD first; *")
      for outcome, error in [("blocked", "MarketBlocked"), ("unavailable", "MarketUnavailable")]],
    live("tick_market_unavailable_then_blocked",
         FIRST + "Collect(MarketDoesNotAnswer WaitForMarket Collect){2} TickState" + PARTITION + "Collected",
         collected_with(UNAVAILABLE, BLOCKED, tick("collected")), requests={"Collect": [TICK_INPUT, LATER, LATER]}),
    live("tick_market_blocked_to_the_end",
         FIRST + "Collect(MarketDoesNotAnswer WaitForMarket Collect){4} MarketDoesNotAnswer" + LIVE_FAIL,
         {"Collect": [BLOCKED] * 5}, "MarketBlocked",
         'the newest session could not be found: status 429: "Too Many Requests"'),
    live("tick_delivery_failed_once", FIRST + LIVE_COLLECT + PARTITION + "Collected",
         collected_with(function_throws("DeliveryFailed", "Kinesis refused 3 records"), tick("collected")),
         requests={"Collect": [TICK_INPUT, TICK_INPUT]}),
    live("tick_delivery_failed", FIRST + "Collect" + LIVE_FAIL,
         {"Collect": [Always(function_throws("DeliveryFailed", "Kinesis refused 3 records"))]}, "DeliveryFailed",
         "Kinesis refused 3 records"),
    live("tick_collect_times_out", FIRST + "Collect" + LIVE_FAIL, {"Collect": [Always(TIMEOUT)]}, "TimedOut",
         "States.Timeout: no cause was given"),
    live("tick_too_many_requests_once", FIRST + LIVE_COLLECT + PARTITION + "Collected",
         collected_with(TOO_MANY, tick("collected"))),
    live("tick_without_table", FIRST + LIVE_COLLECT + "GetTable" + LIVE_FAIL,
         {"Collect": [tick("collected")], "GetTable": [throws("Glue.EntityNotFoundException", "Table bars not found.")]},
         "Glue.EntityNotFoundException", "Table bars not found."),
    live("tick_table_throttled_once", FIRST + LIVE_COLLECT + PARTITION + "Collected",
         {**collected_with(tick("collected")), "GetTable": [throws("Glue.GlueException", "Rate exceeded"), TABLE]}),
    live("tick_without_partition", FIRST + LIVE_COLLECT + "GetTable CreatePartition" + LIVE_FAIL,
         {"Collect": [tick("collected")], "GetTable": [TABLE],
          "CreatePartition": [Always(throws("Glue.GlueException", "not authorized to perform: glue:CreatePartition"))]},
         "Glue.GlueException", "not authorized *"),
    live("tick_partition_times_out", FIRST + LIVE_COLLECT + "GetTable CreatePartition" + LIVE_FAIL,
         {"Collect": [tick("collected")], "GetTable": [TABLE], "CreatePartition": [Always(TIMEOUT)]}, "TimedOut",
         "States.Timeout: no cause was given"),
]

PATHS = COLLECTIONS + CRAWLS + QUERIES + MESSAGES + ERRORS + WATCHES + TICKS
