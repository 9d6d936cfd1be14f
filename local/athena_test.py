"""What the local Athena says of a statement that it does not run, without a server."""

import asyncio
import json
import unittest

import launcher  # noqa: F401 (it patches the server)
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import athena


class Refusals(unittest.TestCase):
    def setUp(self):
        set_request_account_id("000000000000")
        set_request_region("us-east-1")
        self.addCleanup(athena.reset)
        configuration = {"ResultConfiguration": {"OutputLocation": "s3://lake/results/"}}
        athena._create_workgroup({"Name": "finstream", "Configuration": configuration})

    def test_an_error_has_no_excerpt_of_the_rewritten_statement(self):
        _, _, body = self.start("SELECT nope FROM (SELECT 1 AS one) AS t", [])
        reason = athena._executions[json.loads(body)["QueryExecutionId"]]["Status"]["StateChangeReason"]
        self.assertIn('"nope" not found', reason)
        self.assertNotIn("LINE 1", reason)

    def test_a_parameter_stands_in_where_only(self):
        for sql, parameters, is_allowed in [
            ("SELECT 1 AS one WHERE 1 = ?", ["1"], True),
            ("SELECT '?' AS one", [], True),
            ("WITH a AS (SELECT 1 AS one WHERE 1 IN (?, ?)) SELECT * FROM a", ["1", "2"], True),
            ("SELECT ? AS one", ["1"], False),
            ("SELECT 1 AS one WHERE 1 = ? LIMIT ?", ["1", "1"], False),
        ]:
            status, _, body = self.start(sql, parameters)
            self.assertEqual(status == 200, is_allowed, sql)
            self.assertEqual("outside of WHERE" in json.loads(body).get("message", ""), not is_allowed, sql)

    def start(self, sql, parameters):
        async def start():
            request = {"QueryString": sql, "WorkGroup": "finstream", "ExecutionParameters": parameters}
            response = athena._start_query_execution(request)
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
            return response

        return asyncio.run(start())


if __name__ == "__main__":
    unittest.main()
