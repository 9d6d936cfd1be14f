"""What a query reads, and what its workgroup lets it read, without a server."""

import asyncio
import json
import unittest

import bytes_scanned
import launcher
import sqlglot
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import athena, glue, s3
from sqlglot import exp

KEYS = [{"Name": "trade_date", "Type": "string"}]
LINE = b'{"symbol": "META", "interval": "5m"}\n'


class BytesScanned(unittest.TestCase):
    def setUp(self):
        set_request_account_id("000000000000")
        set_request_region("us-east-1")
        for module in (athena, glue, s3):
            self.addCleanup(module.reset)
        s3._create_bucket("lake", b"", {}, {})
        columns = [{"Name": "symbol", "Type": "string"}, {"Name": "interval", "Type": "string"}]
        storage = {"Location": "s3://lake/bars/", "Columns": columns}
        storage["SerdeInfo"] = {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}
        table = {"Name": "bars", "PartitionKeys": KEYS, "StorageDescriptor": storage}
        glue._create_database({"DatabaseInput": {"Name": "finstream"}})
        glue._create_table({"DatabaseName": "finstream", "TableInput": table})
        for lines, date in enumerate(["2026-11-18", "2026-11-19", "2026-11-20"], 1):
            s3._put_object("lake", f"bars/trade_date={date}/one", LINE * lines, {})
        launcher.register_partitions(glue._tables["finstream/bars"])

    def run_query(self, sql, limit=None):
        configuration = {"ResultConfiguration": {"OutputLocation": "s3://lake/results/"}}
        configuration.update({"BytesScannedCutoffPerQuery": limit} if limit else {})
        athena._create_workgroup({"Name": "finstream", "Configuration": configuration})
        request = {"QueryString": sql, "WorkGroup": "finstream", "QueryExecutionContext": {"Database": "finstream"}}

        async def run():
            query_id = json.loads(athena._start_query_execution(request)[2])["QueryExecutionId"]
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
            return athena._executions[query_id]

        execution = asyncio.run(run())
        lines = execution["Statistics"]["DataScannedInBytes"] / len(LINE)
        return execution["Status"]["State"], lines, execution["Status"]["StateChangeReason"]

    def test_only_the_partitions_that_a_query_selects_are_read(self):
        for where, lines in [
            ("", 6),
            ("WHERE trade_date = '2026-11-19'", 2),
            ("WHERE '2026-11-19' <= trade_date AND \"interval\" = '5m'", 5),
            ("WHERE trade_date BETWEEN '2026-11-18' AND '2026-11-19' AND symbol = 'META'", 3),
            ("WHERE trade_date IN ('2026-11-18', '2026-11-20') OR symbol = 'META'", 6),
            ("WHERE trade_date = '2026-11-21'", 0),
            ("WHERE symbol = 'NONE'", 6),
            ("AS b WHERE b.trade_date = '2026-11-20'", 3),
        ]:
            self.assertEqual(self.run_query(f"SELECT * FROM bars {where}"), ("SUCCEEDED", lines, ""), where)

    def test_each_reference_counts_with_its_own_condition(self):
        one = "SELECT * FROM bars WHERE trade_date = '2026-11-18'"
        other = "SELECT * FROM bars WHERE trade_date = '2026-11-20'"
        self.assertEqual(self.run_query(f"WITH a AS ({one}), b AS ({other}) SELECT * FROM a, b")[1], 4)

    def test_a_query_that_reads_more_than_its_workgroup_allows_is_cancelled(self):
        whole = "SELECT * FROM bars"
        self.assertEqual(self.run_query(whole, 6 * len(LINE)), ("SUCCEEDED", 6, ""))
        athena._workgroups.clear()
        self.assertEqual(self.run_query(whole, 6 * len(LINE) - 1), ("CANCELLED", 6, bytes_scanned.OVER_LIMIT))
        self.assertEqual(self.run_query(f"{whole} WHERE trade_date = '2026-11-20'")[0], "SUCCEEDED")

    def test_a_condition_on_keys_is_found_among_others(self):
        for sql, condition in [
            ("SELECT * FROM bars", "TRUE"),
            ("SELECT * FROM bars WHERE symbol = trade_date", "TRUE"),
            ("SELECT * FROM bars b WHERE b.trade_date > '2026' AND b.symbol = 'META'", "trade_date > '2026'"),
            ("SELECT * FROM bars WHERE trade_date = (SELECT max(trade_date) FROM bars)", "TRUE"),
            ("SELECT * FROM bars WHERE trade_date > '1' AND trade_date < '2' AND TRUE", "trade_date > '1' AND trade_date < '2' AND TRUE"),
        ]:
            reference = sqlglot.parse_one(sql, read="athena").find(exp.Table)
            self.assertEqual(bytes_scanned.partition_condition(reference, {"trade_date"}), condition)


if __name__ == "__main__":
    unittest.main()
