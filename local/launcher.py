"""MiniStack 1.5.33 with patches where it differs from AWS. Runs in place of `python -m ministack`.

MiniStack deploys template.yaml and runs the pipeline on one machine. Most of it behaves as AWS does; what follows
does not, and the pipeline depends on it. Each patch replaces a private function, so the version is pinned. More modules
have patches of their own: `schedules` lets schedules fire, `lifecycle` lets objects expire, `named_queries` deploys Athena's
saved queries, `bytes_scanned` limits what a query reads, `persistence` keeps what the server holds.

Athena
  dialect     Trino's SQL is translated to DuckDB's by sqlglot; MiniStack passes it on unchanged.
  statements  Only queries run. MiniStack reports CREATE VIEW and the like as SUCCEEDED, and creates nothing.
  parameters  Each `?` is replaced by one of the ExecutionParameters; their number is checked.
  validation  StartQueryExecution rejects invalid SQL and an unknown workgroup; MiniStack fails the query later.
  tokens      A repeated ClientRequestToken gives the first query's id.
  result      It is written to the location that the workgroup enforces, as Athena does: values quoted, NULL empty.
  types       A JSON table's columns have the types the catalog declares; MiniStack infers them from the data.
  partitions  Only registered partitions are read.
  malformed   Lines that are not JSON are rows of NULLs where the SerDe's ignore.malformed.json says so.
Glue
  crawl       Registers the partition folders of the crawled tables, and takes CRAWLER_RUN_SECONDS, not 5 s.
Firehose
  packing     A record of many lines goes to the partition of its first line: a record holds one trade date.
CloudFormation
  numbers     A parameter's value is text; a property that is a number gets one, so that the SDKs can read it back.
  encryption  A Kinesis stream has the StreamEncryption that the template gives it.
CloudWatch
  dimensions  An alarm evaluates its own resource's metric, not that of every resource.
IAM
  resources   Glue crawlers, Athena executions, saved queries and log streams are checked against their own ARN, so narrow policies
              work.
"""

import datetime
import decimal
import json
import math
import os
import re
import time
import types

os.environ["TZ"] = "UTC"  # Athena's session zone; DuckDB would take the host's, and reads it when it is imported
time.tzset()

import bytes_scanned
import duckdb
import lifecycle
import named_queries
import persistence
import schedules
import sqlglot
from ministack.app import main
from ministack.core import iam_actions
from ministack.core.responses import error_response_json
from ministack.services import athena, cloudwatch, firehose, glue, kinesis, s3
from ministack.services.cloudformation import provisioners
from sqlglot import exp

INSTANT = exp.DataType.build("timestamptz", dialect="duckdb")

# The original functions, before they are replaced at the end of this file.
original_start_query = athena._start_query_execution
original_rewrite_paths = athena._rewrite_data_paths
original_run_duckdb = athena._run_duckdb
original_relation = athena._table_relation
original_start_crawler = glue._start_crawler
original_partition_keys = firehose._metadata_extraction_keys
original_resource_arn = iam_actions.extract_resource_arn
original_connect = duckdb.connect
original_evaluate_alarm = cloudwatch._evaluate_alarm
original_create = {
    kind: provisioners._RESOURCE_HANDLERS[kind]["create"]
    for kind in ("AWS::Athena::WorkGroup", "AWS::KinesisFirehose::DeliveryStream")
}


# --- Athena: dialect and statements -----------------------------------------------------------------------------


def to_duckdb(node):
    """The node, rewritten where DuckDB or MiniStack would misinterpret sqlglot's translation."""
    if isinstance(node, exp.Join) and not any(node.args.get(a) for a in ("side", "kind", "on", "using", "method")):
        node.set("kind", "CROSS")  # MiniStack finds tables after FROM and JOIN, not after a comma
    elif isinstance(node, exp.AtTimeZone):
        node.set("this", exp.cast(node.this, INSTANT))  # DuckDB converts a timestamp without a zone the other way
    elif isinstance(node, exp.UnixToTime) and node.args.get("zone"):
        return exp.AtTimeZone(this=exp.UnixToTime(this=node.this), zone=node.args["zone"])
    elif isinstance(node, exp.Anonymous) and node.name.lower() == "at_timezone":
        instant, zone = node.expressions
        return exp.AtTimeZone(this=exp.cast(instant, INSTANT), zone=zone)
    elif isinstance(node, exp.Anonymous) and node.name.lower() == "with_timezone":
        wall_time, zone = node.expressions
        return exp.func("timezone", zone, wall_time)
    return node


async def rewrite_data_paths(sql, *args):
    tree = sqlglot.parse_one(sql, read="athena")
    if not isinstance(tree, exp.Query):
        raise ValueError(f"NOT_SUPPORTED: {tree.key} statements do not run locally")
    bytes_scanned.statement.set(tree)
    rewritten = await original_rewrite_paths(tree.transform(to_duckdb).sql("duckdb"), *args)
    bytes_scanned.check_limit()
    return rewritten


async def run_duckdb(*args):
    try:
        return await original_run_duckdb(*args)
    except duckdb.Error as error:
        # The excerpt that follows is of the rewritten statement, with the paths of this machine.
        raise RuntimeError(str(error).partition("\n\nLINE ")[0].strip()) from error


def connect(*args, **kwargs):
    connection = original_connect(*args, **kwargs)
    connection.execute("SET integer_division = true")  # as in Trino: 7 / 2 is 3
    return connection


# --- Athena: parameters, validation and tokens ------------------------------------------------------------------


def bind_parameters(sql, parameters):
    """The SQL with each `?` replaced by its parameter; a `?` inside a string literal is kept."""
    placeholders = [token for token in athena._sql_tokens(sql) if token[:2] == ("punct", "?")]
    if len(placeholders) != len(parameters):
        raise ValueError(f"Incorrect number of parameters: expected {len(placeholders)} but found {len(parameters)}")
    for (_, _, start, end), value in reversed(list(zip(placeholders, parameters))):
        sql = sql[:start] + value + sql[end:]
    return sql


def check_parameters(sql):
    """As Athena, which takes a `?` in WHERE only.

    https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html
    """
    placeholders = sqlglot.parse_one(sql, read="athena").find_all(exp.Placeholder)
    if not all(placeholder.find_ancestor(exp.Where) for placeholder in placeholders):
        raise ValueError("a parameter ? stands outside of WHERE, where Athena allows none: write the value into the SQL")


def start_query_execution(data):
    sql, parameters = data.get("QueryString", ""), data.get("ExecutionParameters") or []
    token, group = data.get("ClientRequestToken"), athena._workgroups.get(data.get("WorkGroup", "primary"))
    for query_id, execution in athena._executions.items():
        if token and execution.get("_token") == token:
            return athena.json_response({"QueryExecutionId": query_id})
    try:
        if not group:
            raise ValueError(f"WorkGroup {data['WorkGroup']} is not found.")
        bound = bind_parameters(sql, parameters)
        if parameters:
            check_parameters(sql)
        athena._parse_ddl(bound) or sqlglot.parse_one(bound, read="athena")
    except (ValueError, sqlglot.errors.SqlglotError) as error:
        return error_response_json("InvalidRequestException", re.sub(r"\x1b\[\d*m", "", str(error)), 400)
    if group["Configuration"].get("EnforceWorkGroupConfiguration"):
        data = {**data, "ResultConfiguration": {}}
    response = original_start_query({**data, "QueryString": bound})
    if response[0] == 200:
        query_id = json.loads(response[2])["QueryExecutionId"]
        execution = athena._executions[query_id]
        execution.update(Query=sql, _token=token, **({"ExecutionParameters": parameters} if parameters else {}))
    return response


# --- Athena: the result -----------------------------------------------------------------------------------------


def format_value(value):
    """The value as Athena prints it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.datetime):
        zone = " UTC" if value.tzinfo else ""
        return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}{zone}"
    if isinstance(value, float) and value and math.isfinite(value):
        number = decimal.Decimal(repr(value)).normalize()
        if not -3 <= number.adjusted() < 7:  # Java's Double.toString: 1.0E7, 1.0E-4
            return f"{number:.{max(len(number.as_tuple().digits) - 1, 1)}E}".replace("E+", "E")
    if isinstance(value, list):
        return "[" + ", ".join("null" if item is None else format_value(item) for item in value) + "]"
    return str(value)


def csv_field(value):
    return "" if value is None else '"' + format_value(value).replace('"', '""') + '"'


async def save_query_results(query_id):
    execution = athena._executions[query_id]
    bucket, key = execution["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").split("/", 1)
    rows = [execution["_results"]["columns"], *execution["_results"]["rows"]]
    body = "".join(",".join(map(csv_field, row)) + "\n" for row in rows).encode()
    for name, content in ((key, body), (key + ".metadata", b"")):
        response = s3._put_object(bucket, name, content, {"content-type": "binary/octet-stream"})
        if response[0] >= 300:
            reason = f"Unable to write to s3://{bucket}/{name}"
            execution["Status"].update(State="FAILED", StateChangeReason=reason)


# --- Athena and Glue: types and partitions ----------------------------------------------------------------------


def partition_values(path, keys):
    """The values that the path's key=value folders give to the partition keys; shorter where a folder is missing."""
    found = dict(folder.split("=", 1) for folder in path.split("/")[:-1] if "=" in folder)
    return tuple(found[key["Name"]] for key in keys if key["Name"] in found)


def reads_past_malformed_lines(storage):
    """Whether a line that is not JSON is a row of NULLs; as Trino, which reads a partition's setting, not the table's."""
    parameters = storage.get("SerdeInfo", {}).get("Parameters") or {}
    return parameters.get("ignore.malformed.json", "").lower() == "true"


def table_relation(table, files):
    keys, storages = table.get("PartitionKeys") or [], [table["StorageDescriptor"]]
    if keys:
        registered = glue._partitions.get(f"{table['DatabaseName']}/{table['Name']}") or []
        known = {tuple(partition["Values"]) for partition in registered}
        files = [file for file in files if partition_values(file, keys) in known]
        if not files:
            return athena._empty_relation(table)
        bytes_scanned.add(table, files, lambda file: partition_values(file, keys))
        queried = {partition_values(file, keys) for file in files}
        storages = [part["StorageDescriptor"] for part in registered if tuple(part["Values"]) in queried]
    if athena._data_format(table) != "json":
        return original_relation(table, files)
    columns = {column["Name"]: athena._duckdb_type(column) for column in table["StorageDescriptor"]["Columns"]}
    hive = athena._hive_options(athena._path_partition_keys(table, files))
    ignore = f"ignore_errors = {str(all(map(reads_past_malformed_lines, storages))).lower()}"
    return f"read_json({athena._sql_list(files)}, format = 'newline_delimited', {ignore}, columns = {columns}, {hive})"


def start_crawler(data):
    response = original_start_crawler(data)
    if response[0] == 200:
        for target in glue._crawlers[data["Name"]]["Targets"].get("CatalogTargets", []):
            for name in target["Tables"]:
                if table := glue._tables.get(f"{target['DatabaseName']}/{name}"):
                    register_partitions(table)
    return response


def register_partitions(table):
    storage, keys = table["StorageDescriptor"], table.get("PartitionKeys") or []
    bucket, prefix = storage["Location"].removeprefix("s3://").rstrip("/").split("/", 1)
    objects = (s3._buckets.get(bucket) or {"objects": {}})["objects"]
    folders = {key.rsplit("/", 1)[0] + "/" for key in list(objects) if key.startswith(prefix + "/")}
    for folder in sorted(folders):
        values = partition_values(folder, keys)
        if keys and len(values) == len(keys):
            partition_storage = {**storage, "Location": f"s3://{bucket}/{folder}"}
            partition = {"Values": list(values), "StorageDescriptor": partition_storage}
            request = {"DatabaseName": table["DatabaseName"], "TableName": table["Name"], "PartitionInput": partition}
            glue._create_partition(request)  # an error if it is registered already, which is fine


# --- Firehose and IAM -------------------------------------------------------------------------------------------


def metadata_extraction_keys(config, record):
    return original_partition_keys(config, record.split(b"\n", 1)[0])


def extract_resource_arn(service, method, path, headers, body, query, region, account):
    data = json.loads(body or b"{}") if service in ("glue", "athena", "logs") else {}
    if service == "glue" and headers.get("x-amz-target", "").endswith("Crawler"):
        return f"arn:aws:glue:{region}:{account}:crawler/{data.get('Name')}"
    if service == "logs" and "logStreamName" in data:
        return f"arn:aws:logs:{region}:{account}:log-group:{data['logGroupName']}:log-stream:{data['logStreamName']}"
    execution = athena._executions.get(data.get("QueryExecutionId"))
    group = execution["WorkGroup"] if execution else named_queries.work_group(data)
    if group:
        return f"arn:aws:athena:{region}:{account}:workgroup/{group}"
    return original_resource_arn(service, method, path, headers, body, query, region, account)


# --- CloudWatch -------------------------------------------------------------------------------------------------


def evaluate_alarm(alarm):
    """MiniStack's evaluation, which sees only the metric with the alarm's dimensions."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions", [])))
    key = (alarm.get("Namespace"), alarm.get("MetricName"), dimensions)
    metrics = {key: points for known, points in cloudwatch._metrics.items() if known == key}
    types.FunctionType(original_evaluate_alarm.__code__, {**vars(cloudwatch), "_metrics": metrics})(alarm)


# --- CloudFormation ---------------------------------------------------------------------------------------------

NUMBERS = {"BytesScannedCutoffPerQuery", "IntervalInSeconds"}  # those that template.yaml sets by a parameter


def with_numbers(value, name=None):
    if isinstance(value, dict):
        return {key: with_numbers(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [with_numbers(item) for item in value]
    return int(value) if name in NUMBERS else value


def create_work_group(logical_id, props, stack_name):
    return original_create["AWS::Athena::WorkGroup"](logical_id, with_numbers(props), stack_name)


def create_delivery_stream(logical_id, props, stack_name):
    return original_create["AWS::KinesisFirehose::DeliveryStream"](logical_id, with_numbers(props), stack_name)


def encrypting(handler):
    """MiniStack's handler of a Kinesis stream, which drops the encryption."""

    def handle(*args):
        name, attributes = handler(*args)
        if encryption := args[-2].get("StreamEncryption"):
            kinesis._start_stream_encryption({"StreamName": name, **encryption})
        else:
            kinesis._stop_stream_encryption({"StreamName": name})
        return name, attributes

    return handle


duckdb.connect = connect
cloudwatch._evaluate_alarm = evaluate_alarm
athena._start_query_execution = start_query_execution
athena._rewrite_data_paths = rewrite_data_paths
athena._run_duckdb = run_duckdb
athena._table_relation = table_relation
athena._save_query_results = save_query_results
athena._datum_text = format_value
firehose._metadata_extraction_keys = metadata_extraction_keys
glue._start_crawler = start_crawler
glue.CRAWLER_RUN_SECONDS = float(os.environ.get("CRAWLER_RUN_SECONDS", "0.3"))
iam_actions.extract_resource_arn = extract_resource_arn
provisioners._RESOURCE_HANDLERS["AWS::Athena::WorkGroup"]["create"] = create_work_group
provisioners._RESOURCE_HANDLERS["AWS::KinesisFirehose::DeliveryStream"]["create"] = create_delivery_stream
stream_handlers = provisioners._RESOURCE_HANDLERS["AWS::Kinesis::Stream"]
stream_handlers.update({action: encrypting(stream_handlers[action]) for action in ("create", "update")})
bytes_scanned.install()
schedules.install()
lifecycle.install()
named_queries.install()
persistence.install()

if __name__ == "__main__":
    main()
