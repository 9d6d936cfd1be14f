"""The bytes that a query of Athena reads, as its statistics have them, and the limit that its workgroup sets.

MiniStack counts the characters of the result, and knows no limit. Athena reads the partitions that the query selects by their
keys, and cancels a query that reads more than BytesScannedCutoffPerQuery. Here the limit is checked before anything is read.
https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html
"""

import contextvars
import os
import sys

import duckdb
from ministack.services import athena
from sqlglot import exp

OVER_LIMIT = "Bytes scanned limit was exceeded"

original_execute = athena._execute_query

statement = contextvars.ContextVar("statement")  # the statement of the query that runs in this task
limit = contextvars.ContextVar("limit")
bytes_by_table = contextvars.ContextVar("bytes_by_table")


def partition_condition(reference, keys):
    """What a reference to a table demands of the partition keys, as SQL of DuckDB; TRUE where it demands nothing."""
    select = reference.find_ancestor(exp.Select)
    where = select and select.args.get("where")
    demands = list(where.this.flatten() if isinstance(where.this, exp.And) else [where.this]) if where else []
    of_keys = [bare(demand) for demand in demands if columns_of(demand) <= keys and not demand.find(exp.Query)]
    return exp.and_(*of_keys).sql("duckdb") if of_keys else "TRUE"


def columns_of(demand):
    return {column.name for column in demand.find_all(exp.Column)}


def bare(demand):
    """The demand with columns that do not name their table."""
    return demand.transform(lambda node: exp.column(node.name) if isinstance(node, exp.Column) else node)


def partitions_read(condition, keys, partitions):
    """Those of the partitions, tuples of the keys' values, for which a condition holds; all where DuckDB does not know that."""
    if condition == "TRUE" or not partitions:
        return set(partitions)
    names = ", ".join(f'"{key}"' for key in keys)
    row = f"({', '.join('?' * len(keys))})"
    rows = f"(VALUES {', '.join([row] * len(partitions))}) AS partitions({names})"
    query = f"SELECT {names} FROM {rows} WHERE {condition}"
    try:
        with duckdb.connect() as connection:
            return set(connection.execute(query, [value for values in partitions for value in values]).fetchall())
    except duckdb.Error:
        return set(partitions)


def add(table, files, values_of):
    """Counts the files of a table that the statement reads; `values_of` gives a file's values of the partition keys."""
    keys = [key["Name"] for key in table.get("PartitionKeys") or []]
    references = [it for it in statement.get().find_all(exp.Table) if it.name.lower() == table["Name"]]
    by_partition = {}
    for file in files:
        values = values_of(file)
        by_partition[values] = by_partition.get(values, 0) + os.path.getsize(file)
    conditions = [partition_condition(reference, set(keys)) for reference in references]
    read = [partitions_read(condition, keys, list(by_partition)) for condition in conditions]
    bytes_by_table.get()[table["Name"]] = sum(by_partition[values] for values in set().union(*read))


def check_limit():
    """Fails where the statement reads more than the workgroup allows."""
    if sum(bytes_by_table.get().values()) > limit.get():
        raise ValueError(OVER_LIMIT)


async def execute_query(query_id, *args):
    execution = athena._executions[query_id]
    configuration = athena._workgroups[execution["WorkGroup"]]["Configuration"]
    limit.set(int(configuration.get("BytesScannedCutoffPerQuery") or sys.maxsize))
    bytes_by_table.set({})
    await original_execute(query_id, *args)
    execution["Statistics"]["DataScannedInBytes"] = sum(bytes_by_table.get().values())
    if execution["Status"]["StateChangeReason"] == OVER_LIMIT:
        execution["Status"]["State"] = "CANCELLED"


def install():
    athena._execute_query = execute_query
