"""EventBridge Scheduler, firing as on AWS: to the minute, on the clock of the schedule's zone, under its role.

MiniStack reads every expression in UTC, passes context attributes on literally, checks no role, and knows neither
retries nor dead letters. Only executions of state machines can be started; what else a target may be is in
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html

What fell due while the process was paused or stopped fires when it runs again, unless it is older than the retry
policy allows.
"""

import dataclasses
import datetime
import json
import logging
import re
import time
import uuid
import zoneinfo

import persistence
from ministack.core import iam_evaluator
from ministack.core.arn import parse_arn
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch, eventbridge, scheduler, sqs, stepfunctions
from ministack.services.cloudformation import provisioners

# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
DEFAULT_MAX_AGE = 86_400
DEFAULT_MAX_RETRIES = 185
FIRST_BACKOFF, MAX_BACKOFF = 1, 300  # seconds; doubled at each retry

# SQS publishes a queue's metrics for six hours after it was last used.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
ACTIVE_SECONDS = 6 * 3600

logger = logging.getLogger("schedules")
handlers = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]
original_handlers = {action: handlers[action] for action in ("create", "update")}

checked_until = {}  # when each schedule was last checked for what is due
pending = []  # the invocations that have not ended
last_used = {}  # when each dead-letter queue last held a message
published_minute = 0


@dataclasses.dataclass
class Invocation:
    """What a schedule does at one instant, in one attempt or several."""

    schedule: dict
    scheduled_at: float
    retries: int = 0
    next_attempt: float = 0
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))

    def policy(self):
        policy = self.schedule["Target"].get("RetryPolicy") or {}
        return (
            int(policy.get("MaximumRetryAttempts", DEFAULT_MAX_RETRIES)),
            int(policy.get("MaximumEventAgeInSeconds", DEFAULT_MAX_AGE)),
        )

    def input(self):
        """The target's input with the context attributes replaced.

        https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
        """
        attributes = {
            "scheduled-time": to_iso(self.scheduled_at),
            "schedule-arn": self.schedule["Arn"],
            "execution-id": self.id,
            "attempt-number": str(self.retries + 1),
        }
        text = self.schedule["Target"].get("Input") or "{}"
        return re.sub(r"<aws\.scheduler\.([a-z-]+)>", lambda found: attributes.get(found[1], found[0]), text)


@dataclasses.dataclass
class Failure:
    code: str
    message: str
    can_retry: bool = False


def to_iso(instant):
    return f"{datetime.datetime.fromtimestamp(instant, datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


# --- The clock --------------------------------------------------------------------------------------------------


def parse(expression, zone):
    """The expression and its zone as `due` needs them.

    Raises ValueError when either is invalid, as AWS rejects it.
    """
    try:
        zone = zoneinfo.ZoneInfo(zone)
    except (ValueError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError(f"Invalid Schedule Expression Timezone {zone}: the tz database has no such zone") from None
    if at := re.fullmatch(r"at\((.+)\)", expression):
        return "at", datetime.datetime.fromisoformat(at[1]).replace(tzinfo=zone), zone
    if seconds := eventbridge._parse_rate_seconds(expression):
        return "rate", seconds, zone
    if fields := eventbridge._parse_cron_fields(expression):
        return "cron", fields, zone
    raise ValueError(f"Invalid Schedule Expression {expression}")


def matches(fields, wall):
    """Whether a cron expression names this minute on the zone's clock.

    When the clock goes back, the repeated hour counts once; when it goes forward, the missing one never comes.
    """
    minutes, hours, days, months, weekdays, years, day_field, _ = fields
    day = eventbridge._dow_matches(weekdays, wall) if day_field == "?" else eventbridge._dom_matches(days, wall)
    in_year = years is None or wall.year in years
    return day and in_year and wall.month in months and wall.hour in hours and wall.minute in minutes and not wall.fold


def due(schedule, since, now):
    """The instants in (since, now] at which the schedule fires, as seconds since 1970, the earliest first."""
    kind, when, zone = parse(schedule["ScheduleExpression"], schedule.get("ScheduleExpressionTimezone") or "UTC")
    start, end = scheduler._to_epoch(schedule.get("StartDate")), scheduler._to_epoch(schedule.get("EndDate"))
    if kind == "at":
        instants = [when.timestamp()]
    elif kind == "rate":
        first = start or schedule["CreationDate"]
        instants = [first + n * when for n in range(max(0, int((since - first) // when)), int((now - first) // when) + 1)]
    else:
        minutes = range(int(since // 60 + 1) * 60, int(now) + 1, 60)
        instants = [minute for minute in minutes if matches(when, datetime.datetime.fromtimestamp(minute, zone))]
    return [i for i in instants if since < i <= now and (start or i) <= i <= (end or i)]


def not_fired_yet(schedule, key, now):
    """The instants at which the enabled schedule should have fired since it was last checked, or last fired."""
    since = checked_until.get(key) or schedule.get("_fired_at", 0)
    checked_until[key] = now
    _, max_age = Invocation(schedule, now).policy()
    return due(schedule, max(since, schedule["LastModificationDate"], now - max_age), now)


# --- Invocations ------------------------------------------------------------------------------------------------


def tick():
    advance(time.time())


def advance(now):
    """Starts what is due at `now`, and retries what has failed before."""
    for key, schedule in list(scheduler._schedules._data.items()):
        instants = not_fired_yet(schedule, key, now)
        if schedule["State"] == "ENABLED":
            pending.extend(Invocation(schedule, instant) for instant in instants)
    for invocation in [invocation for invocation in pending if invocation.next_attempt <= now]:
        set_scope(invocation.schedule["Arn"])
        if attempt(invocation, now):
            pending.remove(invocation)
            invocation.schedule["_fired_at"] = invocation.scheduled_at
            persistence.changed.set()
    publish_metrics(now)


def set_scope(arn):
    """Lets what follows act in the account and region of a resource."""
    set_request_account_id(parse_arn(arn).account_id)
    set_request_region(parse_arn(arn).region)


def attempt(invocation, now):
    """Whether the invocation has ended: it succeeded, or its failure is in the dead-letter queue."""
    failure = start_execution(invocation.schedule["Target"], invocation.input())
    if failure is None:
        return True
    max_retries, max_age = invocation.policy()
    backoff = min(FIRST_BACKOFF * 2**invocation.retries, MAX_BACKOFF)
    exhausted = None
    if not failure.can_retry:
        pass
    elif invocation.retries >= max_retries:
        exhausted = "MaximumRetryAttempts"
    elif now + backoff - invocation.scheduled_at > max_age:
        exhausted = "MaximumEventAgeInSeconds"
    else:
        invocation.next_attempt = now + backoff
        invocation.retries += 1
        return False
    send_dead_letter(invocation, failure, exhausted)
    return True


def start_execution(target, text):
    """Starts an execution under the schedule's role. Returns why it could not, or None."""
    arn, role = target["Arn"], target["RoleArn"]
    if parse_arn(arn).service != "states":
        return Failure("NotSupported", f"the local cloud starts state machines on schedule, and nothing like {arn}")
    if not may(role, "states:StartExecution", arn):
        return Failure("AccessDeniedException", f"{role} is not authorized to perform states:StartExecution on {arn}")
    try:
        status, _, body = stepfunctions._start_execution({"stateMachineArn": arn, "input": text})
    except Exception as error:
        logger.exception("%s cannot be started", arn)
        return Failure("InternalFailure", repr(error), can_retry=True)
    if status == 200:
        return None
    error = json.loads(body)
    return Failure(error["__type"], error.get("message", ""), can_retry=status >= 500)


def may(role, action, resource):
    account, name = parse_arn(role).account_id, role.rsplit("/", 1)[-1]
    context = iam_evaluator.EvalContext(role, "AssumedRole", account, action, resource, parse_arn(resource).region)
    policies = iam_evaluator._gather_role_policies(name, account)
    return iam_evaluator.evaluate(context, policies).decision == "Allow"


def send_dead_letter(invocation, failure, exhausted):
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html"""
    schedule, target = invocation.schedule, invocation.schedule["Target"]
    queue_arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    queue = sqs._queue_by_arn(queue_arn) if queue_arn else None
    if not queue or not may(target["RoleArn"], "sqs:SendMessage", queue_arn):
        logger.error("%s was not invoked, and no dead-letter queue told: %s", schedule["Arn"], failure)
        return
    attributes = {
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": failure.message,
        "EXECUTION_ID": invocation.id,
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": str(invocation.retries),
        "SCHEDULED_TIME": to_iso(invocation.scheduled_at),
        "SCHEDULE_ARN": schedule["Arn"],
        "TARGET_ARN": target["Arn"],
        **({"EXHAUSTED_RETRY_CONDITION": exhausted} if exhausted else {}),
    }
    message = {
        "MessageBody": json.dumps({"StateMachineArn": target["Arn"], "Input": invocation.input()}),
        "MessageAttributes": {name: {"DataType": "String", "StringValue": v} for name, v in attributes.items() if v},
    }
    sqs._act_send_message(message, queue["url"])


def publish_metrics(now):
    """Publishes, each minute, how many messages the dead-letter queues hold: AWS/SQS metrics, which MiniStack lacks."""
    global published_minute
    if now // 60 == published_minute:
        return
    published_minute = now // 60
    targets = [schedule["Target"] for schedule in list(scheduler._schedules._data.values())]
    for arn in {target["DeadLetterConfig"]["Arn"] for target in targets if target.get("DeadLetterConfig")}:
        set_scope(arn)
        queue, name = sqs._queue_by_arn(arn), parse_arn(arn).resource
        visible = sum(message["visible_at"] <= now for message in queue["messages"]) if queue else 0
        if visible:
            last_used[arn] = now
        if now - last_used.get(arn, 0) < ACTIVE_SECONDS:
            metric, dimensions = "ApproximateNumberOfMessagesVisible", {"QueueName": name}
            cloudwatch._store_datum("AWS/SQS", metric, dimensions, now, "Count", visible, None, None, None)
            points = cloudwatch._metric_bucket(("AWS/SQS", metric, cloudwatch._dims_key(dimensions)))
            del points[: -ACTIVE_SECONDS // 60]
            cloudwatch._evaluate_all_alarms()
            persistence.changed.set()


# --- CloudFormation ---------------------------------------------------------------------------------------------


def keeping_times(handler):
    """MiniStack's handler of a schedule, which drops its zone and its dates, and when it was changed."""

    def handle(*args):
        properties = args[-2]
        zone = properties.get("ScheduleExpressionTimezone", "UTC")
        parse(properties["ScheduleExpression"], zone)
        name, attributes = handler(*args)
        schedule = scheduler._schedules[f"{properties.get('GroupName', 'default')}/{name}"]
        schedule.update({key: properties.get(key) for key in ("StartDate", "EndDate")})
        schedule.update(ScheduleExpressionTimezone=zone, LastModificationDate=time.time())
        return name, attributes

    return handle


def install():
    scheduler._SCHEDULE_TICK_INTERVAL = 1
    scheduler._tick_schedules = tick
    handlers.update({action: keeping_times(handler) for action, handler in original_handlers.items()})
