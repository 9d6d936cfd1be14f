"""S3's lifecycle rules: what a rule lets expire is deleted, as on AWS.

MiniStack drops the rules that CloudFormation sets, and follows none. Of rules this knows what template.yaml uses: a
prefix, days after which objects and noncurrent versions expire, and delete markers without versions.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

import datetime
import logging
import math

from ministack.core.responses import set_request_account_id
from ministack.services import s3
from ministack.services.cloudformation import provisioners

DAY = 86_400

logger = logging.getLogger("lifecycle")
handlers = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
original_handlers = {action: handlers[action] for action in ("create", "update")}

expired_on = None  # the day on which rules were last followed


def to_rule(given):
    """A rule of CloudFormation in the form of S3's API."""
    expiration = {"Days": given.get("ExpirationInDays"), "ExpiredObjectDeleteMarker": given.get("ExpiredObjectDeleteMarker")}
    expiration = {key: value for key, value in expiration.items() if value is not None}
    rule = {"ID": given.get("Id"), "Status": given["Status"], "Filter": {"Prefix": given.get("Prefix", "")}}
    rule |= {key: given[key] for key in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload") if key in given}
    return rule | ({"Expiration": expiration} if expiration else {})


def with_rules(handler):
    """MiniStack's handler of a bucket, which drops its lifecycle rules."""

    def handle(*args):
        properties = args[-2]
        name, attributes = handler(*args)
        rules = (properties.get("LifecycleConfiguration") or {}).get("Rules")
        if rules:
            s3._bucket_lifecycle[name] = [to_rule(rule) for rule in rules]
        else:
            s3._bucket_lifecycle.pop(name, None)
        return name, attributes

    return handle


def has_expired(since, days, now):
    """Whether `days` have passed since an instant, rounded up to the next midnight in UTC as S3 does."""
    passed = datetime.datetime.fromisoformat(since).timestamp() + int(days) * DAY
    return math.ceil(passed / DAY) * DAY <= now


def expire_daily(now):
    """Follows all rules, once a day."""
    global expired_on
    if expired_on != now // DAY:
        expire(now)
        expired_on = now // DAY


def expire(now):
    """Deletes what has expired at `now`, in seconds since 1970."""
    for (account, bucket), rules in list(s3._bucket_lifecycle._data.items()):
        set_request_account_id(account)
        for rule in rules:
            if rule["Status"] == "Enabled" and bucket in s3._buckets:
                deleted = expire_objects(bucket, rule, now) + expire_versions(bucket, rule, now)
                if deleted:
                    logger.info("%s: the rule %s has deleted %s objects", bucket, rule["ID"], deleted)


def expire_objects(bucket, rule, now):
    days, prefix = rule.get("Expiration", {}).get("Days"), rule["Filter"].get("Prefix", "")
    objects = list(s3._buckets[bucket]["objects"].items()) if days else []
    expired = [key for key, o in objects if key.startswith(prefix) and has_expired(o["last_modified"], days, now)]
    for key in expired:
        s3._delete_object(bucket, key)
    return len(expired)


def expire_versions(bucket, rule, now):
    days, prefix = rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"), rule["Filter"].get("Prefix", "")
    markers, deleted = rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker"), 0
    for (of_bucket, key), versions in list(s3._object_versions.items()):
        if of_bucket != bucket or not key.startswith(prefix):
            continue
        # A version is noncurrent since the next one was written.
        pairs = list(zip(versions, versions[1:])) if days else []
        expired = [old for old, new in pairs if has_expired(new["last_modified"], days, now)]
        if markers and len(expired) == len(versions) - 1 and versions[-1].get("is_delete_marker"):
            expired.append(versions[-1])
        for version in expired:
            s3._delete_object(bucket, key, query_params={"versionId": version["version_id"]})
        deleted += len(expired)
    return deleted


def install():
    handlers.update({action: with_rules(handler) for action, handler in original_handlers.items()})
