"""Objects and versions that expire, on a server without a network."""

import datetime
import unittest

import launcher  # applies the patches
import lifecycle
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import s3

DAY = lifecycle.DAY
NOON = datetime.datetime.fromisoformat("2026-11-20T12:00:00Z").timestamp()


class Lifecycle(unittest.TestCase):
    def setUp(self):
        set_request_account_id("000000000000")
        set_request_region("us-east-1")
        self.addCleanup(s3.reset)
        properties = {
            "BucketName": "lake",
            "VersioningConfiguration": {"Status": "Enabled"},
            "LifecycleConfiguration": {
                "Rules": [
                    {"Id": "results", "Status": "Enabled", "Prefix": "results/", "ExpirationInDays": "30"},
                    {"Id": "off", "Status": "Disabled", "Prefix": "bars/", "ExpirationInDays": 1},
                    {
                        "Id": "versions",
                        "Status": "Enabled",
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 10},
                        "ExpiredObjectDeleteMarker": True,
                    },
                ]
            },
        }
        lifecycle.handlers["create"]("DataBucket", properties, "finstream")

    def put(self, key, at):
        """Writes an object, as if at `at`."""
        s3._put_object("lake", key, key.encode(), {})
        written = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat(timespec="milliseconds")
        for record in (s3._buckets["lake"]["objects"][key], s3._object_versions["lake", key][-1]):
            record["last_modified"] = written.replace("+00:00", "Z")

    def keys(self):
        return sorted(s3._buckets["lake"]["objects"])

    def test_objects_below_the_prefix_expire_at_the_midnight_after_their_days(self):
        for key in ("results/a.csv", "bars/a.json", "exports/results/a.csv"):
            self.put(key, NOON)
        lifecycle.expire(NOON + 30 * DAY + DAY / 2 - 1)
        self.assertEqual(self.keys(), ["bars/a.json", "exports/results/a.csv", "results/a.csv"])
        lifecycle.expire(NOON + 30 * DAY + DAY / 2)
        self.assertEqual(self.keys(), ["bars/a.json", "exports/results/a.csv"])

    def test_versions_expire_after_their_days_as_noncurrent_ones(self):
        for day in (0, 5, 8):
            self.put("exports/a.csv", NOON + day * DAY)
        for day, versions in [(15, 3), (16, 2), (18, 2), (19, 1), (99, 1)]:
            lifecycle.expire(NOON + day * DAY)
            self.assertEqual(len(s3._object_versions["lake", "exports/a.csv"]), versions, day)
        self.assertEqual(self.keys(), ["exports/a.csv"])

    def test_nothing_is_left_of_what_has_expired(self):
        self.put("results/a.csv", NOON)
        now = datetime.datetime.now(datetime.timezone.utc).timestamp()
        lifecycle.expire(now + 100 * DAY)
        lifecycle.expire(now + 200 * DAY)
        self.assertEqual(self.keys(), [])
        self.assertEqual(s3._object_versions.get(("lake", "results/a.csv"), []), [])

    def test_a_bucket_without_rules_has_none_any_more(self):
        lifecycle.handlers["update"]("lake", {}, {"BucketName": "lake"}, "finstream")
        self.put("results/a.csv", NOON)
        lifecycle.expire(NOON + 100 * DAY)
        self.assertEqual(self.keys(), ["results/a.csv"])

    def test_rules_are_followed_once_a_day(self):
        days = []
        self.addCleanup(setattr, lifecycle, "expire", lifecycle.expire)
        lifecycle.expire = days.append
        for hour in range(49):
            lifecycle.expire_daily(NOON + hour * 3600)
        self.assertEqual(days, [NOON, NOON + DAY / 2, NOON + DAY * 3 / 2])


if __name__ == "__main__":
    unittest.main()
