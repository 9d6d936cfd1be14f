"""Saved queries: deployed, replaced, listed and checked, on a server without a network."""

import asyncio
import json
import unittest

import launcher  # applies the patches
import named_queries
import persistence
import persistence_test
from ministack.core import iam_actions
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import athena
from ministack.services.cloudformation import provisioners

ACCOUNT, REGION = "000000000000", "us-east-1"


def call(action, **request):
    """The status and the answer of a request."""
    headers = {"x-amz-target": f"AmazonAthena.{action}"}
    status, _, body = asyncio.run(athena.handle_request("POST", "/", headers, json.dumps(request).encode(), {}))
    return status, json.loads(body)


class NamedQueries(unittest.TestCase):
    def setUp(self):
        set_request_account_id(ACCOUNT)
        set_request_region(REGION)
        self.addCleanup(athena.reset)
        for group in ("finstream", "other"):
            athena._create_workgroup({"Name": group})

    def deploy(self, name, sql="SELECT 1", group="finstream"):
        properties = {"Name": name, "Database": "finstream", "QueryString": sql, "WorkGroup": group}
        return properties, *provisioners._provision_resource("AWS::Athena::NamedQuery", "Query", properties, "finstream")

    def names(self, group="finstream"):
        ids = call("ListNamedQueries", WorkGroup=group)[1]["NamedQueryIds"]
        found = call("BatchGetNamedQuery", NamedQueryIds=ids)[1]["NamedQueries"] if ids else []
        return sorted((query["Name"], query["QueryString"]) for query in found)

    def resource(self, action, **request):
        headers = {"x-amz-target": f"AmazonAthena.{action}"}
        body = json.dumps(request).encode()
        return iam_actions.extract_resource_arn("athena", "POST", "/", headers, body, {}, REGION, ACCOUNT)

    def test_a_changed_text_replaces_the_query(self):
        properties, query_id, attributes = self.deploy("latest-bars")
        self.assertEqual(attributes, {"NamedQueryId": query_id})
        self.deploy("latest-bars", group="other")
        changed = {**properties, "QueryString": "SELECT 2"}
        update = provisioners._update_resource
        again, _ = update("AWS::Athena::NamedQuery", query_id, properties, changed, "finstream", "Query")
        self.assertNotEqual(again, query_id)
        self.assertEqual(self.names(), [("latest-bars", "SELECT 2")])
        named_queries.delete(again, changed)
        self.assertEqual((self.names(), len(self.names("other"))), ([], 1))

    def test_a_query_of_an_unknown_workgroup_is_not_deployed(self):
        with self.assertRaisesRegex(ValueError, "WorkGroup nope is not found"):
            self.deploy("latest-bars", group="nope")

    def test_they_are_listed_fifty_at_a_time(self):
        for number in range(120):
            self.deploy(f"query-{number}")
        pages, token = [], None
        while token or not pages:
            _, page = call("ListNamedQueries", WorkGroup="finstream", **({"NextToken": token} if token else {}))
            pages.append(page["NamedQueryIds"])
            token = page.get("NextToken")
        self.assertEqual([len(page) for page in pages], [50, 50, 20])
        self.assertEqual(len(set(sum(pages, []))), 120)
        self.assertEqual(len(call("ListNamedQueries", WorkGroup="finstream", MaxResults=7)[1]["NamedQueryIds"]), 7)
        for action, request in [
            ("ListNamedQueries", {"WorkGroup": "finstream", "MaxResults": 51}),
            ("ListNamedQueries", {"WorkGroup": "nope"}),
            ("BatchGetNamedQuery", {"NamedQueryIds": []}),
            ("BatchGetNamedQuery", {"NamedQueryIds": sum(pages, [])}),
        ]:
            self.assertEqual(call(action, **request)[0], 400, action)

    def test_requests_are_checked_against_the_workgroup(self):
        arn = f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/"
        own, other = self.deploy("own")[1], self.deploy("other", group="other")[1]
        for action, request, resource in [
            ("GetNamedQuery", {"NamedQueryId": own}, arn + "finstream"),
            ("DeleteNamedQuery", {"NamedQueryId": other}, arn + "other"),
            ("BatchGetNamedQuery", {"NamedQueryIds": [own]}, arn + "finstream"),
            ("BatchGetNamedQuery", {"NamedQueryIds": [own, other]}, "*"),
            ("ListNamedQueries", {"WorkGroup": "finstream"}, arn + "finstream"),
            ("CreateNamedQuery", {"WorkGroup": "other"}, arn + "other"),
            ("GetNamedQuery", {"NamedQueryId": "nope"}, "*"),
        ]:
            self.assertEqual(self.resource(action, **request), resource, action)


class Kept(persistence_test.WithFolder):
    def test_they_outlive_the_server(self):
        self.addCleanup(athena.reset)
        athena._create_workgroup({"Name": "finstream"})
        query_id, _ = named_queries.create("Query", {"Name": "latest-bars", "WorkGroup": "finstream"}, "finstream")
        persistence.save_all({"athena": athena.get_state})
        athena.reset()
        self.assertNotIn(query_id, athena._named_queries)
        persistence.restore()
        self.assertEqual(athena._named_queries[query_id]["Name"], "latest-bars")


if __name__ == "__main__":
    unittest.main()
