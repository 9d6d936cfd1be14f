"""The clock of schedules over both changes of the clock, and invocations that fail."""

import datetime
import json
import unittest
import zoneinfo

import launcher  # applies the patches
import schedules
from awscli.customizations.cloudformation.yamlhelper import yaml_parse
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import scheduler, sqs, stepfunctions

NEW_YORK = "America/New_York"
ACCOUNT, REGION = "000000000000", "us-east-1"
DAY = 86_400


def instant(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def schedule(expression, zone=NEW_YORK, **more):
    return {
        "Arn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/after-the-close",
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": zone,
        "State": "ENABLED",
        "CreationDate": 0,
        "LastModificationDate": 0,
        **more,
    }


def fires(expression, first, last, zone=NEW_YORK):
    """The times, in UTC, at which an expression fires after `first` and until `last`."""
    return [schedules.to_iso(i) for i in schedules.due(schedule(expression, zone), instant(first), instant(last))]


class Clock(unittest.TestCase):
    def test_an_hour_after_the_close_follows_the_clock_of_new_york(self):
        for first, last, expected in [
            ("2026-03-05T00:00Z", "2026-03-11T00:00Z", ["05T22:30", "06T22:30", "09T21:30", "10T21:30"]),
            ("2026-10-29T00:00Z", "2026-11-04T00:00Z", ["29T21:30", "30T21:30", "02T22:30", "03T22:30"]),
        ]:
            found = fires("cron(30 17 ? * MON-FRI *)", first, last)
            self.assertEqual([time[8:16] for time in found], expected)

    def test_a_time_that_the_clock_skips_never_comes(self):
        found = fires("cron(30 2 * * ? *)", "2026-03-07T00:00Z", "2026-03-10T00:00Z")
        self.assertEqual(found, ["2026-03-07T07:30:00Z", "2026-03-09T06:30:00Z"])

    def test_a_time_that_the_clock_repeats_comes_once(self):
        found = fires("cron(30 1 * * ? *)", "2026-10-31T00:00Z", "2026-11-03T00:00Z")
        self.assertEqual(found, ["2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"])

    def test_every_weekday_of_ten_years_comes_once_at_its_time(self):
        first, last, zone = instant("2020-01-01T00:00Z"), instant("2030-01-01T00:00Z"), zoneinfo.ZoneInfo(NEW_YORK)
        found = schedules.due(schedule("cron(30 17 ? * MON-FRI *)"), first, last)
        walls = [datetime.datetime.fromtimestamp(i, zone) for i in found]
        days = [datetime.date(2020, 1, 1) + datetime.timedelta(n) for n in range(3653)]
        self.assertEqual([wall.date() for wall in walls], [day for day in days if day.weekday() < 5])
        self.assertEqual({(wall.hour, wall.minute) for wall in walls}, {(17, 30)})

    def test_no_instant_is_lost_or_repeated_between_two_checks(self):
        first, last = int(instant("2026-11-01T04:00Z")), int(instant("2026-11-01T09:00Z"))
        every_minute = schedule("cron(* * * * ? *)")
        for step in (1, 7, 59, 61, 3601):
            edges = [*range(first, last, step), last]
            found = [i for since, now in zip(edges, edges[1:]) for i in schedules.due(every_minute, since, now)]
            self.assertEqual(found, schedules.due(every_minute, first, last), step)

    def test_rates_and_single_times(self):
        self.assertEqual(fires("at(2026-11-20T17:30:00)", "2026-11-01T00:00Z", "2027-01-01T00:00Z"), ["2026-11-20T22:30:00Z"])
        self.assertEqual(len(fires("rate(5 minutes)", "2026-11-20T00:00Z", "2026-11-20T01:00Z")), 12)
        dates = {"StartDate": "2026-11-20T00:00:00Z", "EndDate": "2026-11-20T00:10:00Z"}
        within = schedule("rate(5 minutes)", **dates)
        self.assertEqual(len(schedules.due(within, instant("2026-11-19T00:00Z"), instant("2026-11-21T00:00Z"))), 3)

    def test_what_aws_rejects_is_rejected(self):
        for expression, zone in [
            ("cron(30 17 * * MON-FRI *)", NEW_YORK),
            ("cron(30 17)", NEW_YORK),
            ("rate(2days)", NEW_YORK),
            ("at(tomorrow)", NEW_YORK),
            ("rate(1 hour)", "America/Gotham"),
            ("rate(1 hour)", "../etc/passwd"),
        ]:
            with self.assertRaises(ValueError, msg=f"{expression} in {zone}"):
                schedules.parse(expression, zone)


class Invocations(unittest.TestCase):
    """A schedule on a server without a network, whose executions are started by `self.answer`."""

    def setUp(self):
        set_request_account_id(ACCOUNT)
        set_request_region(REGION)
        sqs._act_create_queue({"QueueName": "missed"}, "")
        self.queue = sqs._queue_by_arn(f"arn:aws:sqs:{REGION}:{ACCOUNT}:missed")
        self.addCleanup(sqs.reset)
        self.addCleanup(scheduler.reset)
        self.addCleanup(schedules.pending.clear)
        self.addCleanup(schedules.checked_until.clear)
        self.replace(schedules, "may", lambda role, action, resource: action in self.rights)
        self.replace(stepfunctions, "_start_execution", self.start)
        self.rights, self.started = {"states:StartExecution", "sqs:SendMessage"}, []
        self.answers = []
        self.target = {
            "Arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:pipeline",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/schedule",
            "Input": '{"scheduled_time":"<aws.scheduler.scheduled-time>"}',
            "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
            "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:missed"},
        }

    def replace(self, module, name, function):
        original = getattr(module, name)
        setattr(module, name, function)
        self.addCleanup(setattr, module, name, original)

    def start(self, request):
        self.started.append(request["input"])
        status, error = self.answers.pop(0) if self.answers else (200, None)
        return status, {}, json.dumps({"__type": error, "message": "why"})

    def schedule(self, **more):
        scheduler._schedules["default/after-the-close"] = schedule("cron(30 17 ? * MON-FRI *)", Target=self.target, **more)

    def advance(self, first, seconds, step=1):
        for second in range(0, seconds + 1, step):
            schedules.advance(instant(first) + second)

    def dead_letters(self):
        letters = []
        for message in self.queue["messages"]:
            attributes = {name: value["StringValue"] for name, value in message["message_attributes"].items()}
            letters.append((json.loads(message["body"]), attributes))
        return letters

    def test_it_starts_on_the_minute_with_its_time(self):
        self.schedule()
        self.advance("2026-11-25T22:29:58Z", 1)
        self.assertEqual(self.started, [])
        self.advance("2026-11-25T22:30:00Z", 120)
        self.assertEqual(self.started, ['{"scheduled_time":"2026-11-25T22:30:00Z"}'])
        self.assertEqual(self.dead_letters(), [])

    def test_the_deployed_schedules_start_on_the_minute_over_both_changes_of_the_clock(self):
        """The pipeline on weekdays at 17:30, and the watch on the mornings after."""
        for first, last, expected in [
            (
                "2026-03-05T05:00:00Z",
                "2026-03-11T04:00:00Z",
                ["05T12:00", "05T22:30", "06T12:00", "06T22:30", "07T12:00", "09T21:30", "10T11:00", "10T21:30"],
            ),
            (
                "2026-10-29T04:00:00Z",
                "2026-11-04T05:00:00Z",
                ["29T11:00", "29T21:30", "30T11:00", "30T21:30", "31T11:00", "02T22:30", "03T12:00", "03T22:30"],
            ),
        ]:
            self.started.clear()
            self.deploy_schedules()
            self.advance(first, int(instant(last) - instant(first)), step=60)
            times = [json.loads(text)["scheduled_time"] for text in self.started]
            self.assertEqual([time[8:16] for time in times], expected)
            self.assertEqual({time[16:] for time in times}, {":00Z"})

    def test_ticks_of_live_start_a_minute_after_each_bar_over_both_changes_of_the_clock(self):
        """78 on each weekday, from 09:36 to 16:01 in New York."""
        zone = zoneinfo.ZoneInfo(NEW_YORK)
        expected = [f"{9 + minute // 60:02}:{minute % 60:02}" for minute in range(36, 36 + 78 * 5, 5)]
        for first, last, days in [
            ("2026-03-05T05:00:00Z", "2026-03-11T04:00:00Z", 4),
            ("2026-10-29T04:00:00Z", "2026-11-04T05:00:00Z", 4),
        ]:
            self.started.clear()
            self.deploy_schedules("IsLive")
            self.advance(first, int(instant(last) - instant(first)), step=60)
            instants = [instant(json.loads(text)["scheduled_time"]) for text in self.started]
            walls = [datetime.datetime.fromtimestamp(each, zone) for each in instants]
            self.assertEqual([f"{wall:%H:%M}" for wall in walls], expected * days)

    def deploy_schedules(self, condition=None):
        """The schedules of template.yaml under a condition, with its defaults, created as CloudFormation does."""
        with open("template.yaml", encoding="utf-8") as file:
            template = yaml_parse(file.read())
        for name, resource in template["Resources"].items():
            if resource["Type"] == "AWS::Scheduler::Schedule" and resource.get("Condition") == condition:
                properties = {"Name": name, "Target": self.target}
                for key in ("ScheduleExpression", "ScheduleExpressionTimezone"):
                    parameter = resource["Properties"][key]["Ref"]
                    properties[key] = template["Parameters"][parameter]["Default"]
                schedules.handlers["create"](name, properties, "finstream")
                scheduler._schedules[f"default/{name}"]["LastModificationDate"] = 0
        schedules.checked_until.clear()

    def test_all_context_attributes_are_replaced(self):
        self.target["Input"] = json.dumps({name: f"<aws.scheduler.{name}>" for name in [
            "scheduled-time", "schedule-arn", "execution-id", "attempt-number", "other"]})
        self.schedule()
        self.advance("2026-11-25T22:29:59Z", 2)
        [given] = map(json.loads, self.started)
        self.assertEqual(given["schedule-arn"], f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/after-the-close")
        self.assertEqual((given["attempt-number"], given["other"]), ("1", "<aws.scheduler.other>"))
        self.assertRegex(given["execution-id"], r"^[0-9a-f-]{36}$")

    def test_a_disabled_schedule_starts_nothing_then_or_later(self):
        self.schedule(State="DISABLED")
        self.advance("2026-11-25T22:29:59Z", 10)
        scheduler._schedules["default/after-the-close"]["State"] = "ENABLED"
        self.advance("2026-11-25T22:30:10Z", 100)
        self.assertEqual(self.started, [])

    def test_an_error_of_the_service_is_retried(self):
        self.answers = [(500, "InternalFailure"), (500, "InternalFailure")]
        self.schedule()
        self.advance("2026-11-25T22:29:59Z", 60)
        self.assertEqual(self.started, ['{"scheduled_time":"2026-11-25T22:30:00Z"}'] * 3)
        self.assertEqual(self.dead_letters(), [])

    def test_it_gives_up_after_its_retries(self):
        self.answers = [(500, "InternalFailure")] * 9
        self.schedule()
        self.advance("2026-11-25T22:29:59Z", 600)
        self.assertEqual(len(self.started), 4)
        [(request, attributes)] = self.dead_letters()
        self.assertEqual(request, {"StateMachineArn": self.target["Arn"], "Input": self.started[0]})
        self.assertEqual(attributes["EXHAUSTED_RETRY_CONDITION"], "MaximumRetryAttempts")
        self.assertEqual((attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]), ("InternalFailure", "3"))
        self.assertEqual(attributes["SCHEDULED_TIME"], "2026-11-25T22:30:00Z")

    def test_it_gives_up_after_the_age_of_the_event(self):
        self.target["RetryPolicy"] = {"MaximumEventAgeInSeconds": 60}
        self.answers = [(500, "InternalFailure")] * 99
        self.schedule()
        self.advance("2026-11-25T22:29:59Z", 600)
        [(_, attributes)] = self.dead_letters()
        self.assertEqual(attributes["EXHAUSTED_RETRY_CONDITION"], "MaximumEventAgeInSeconds")

    def test_a_missing_right_or_target_is_not_retried(self):
        for rights, answers, code in [
            ({"sqs:SendMessage"}, [], "AccessDeniedException"),
            (self.rights, [(400, "StateMachineDoesNotExist")], "StateMachineDoesNotExist"),
        ]:
            self.queue["messages"].clear()
            schedules.checked_until.clear()
            self.rights, self.answers = rights, answers
            self.schedule()
            self.advance("2026-11-25T22:29:59Z", 30)
            [(_, attributes)] = self.dead_letters()
            self.assertEqual((attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]), (code, "0"))
            self.assertNotIn("EXHAUSTED_RETRY_CONDITION", attributes)

    def test_without_the_right_to_send_it_there_is_no_dead_letter(self):
        self.rights = set()
        self.schedule()
        with self.assertLogs("schedules", "ERROR"):
            self.advance("2026-11-25T22:29:59Z", 30)
        self.assertEqual(self.dead_letters(), [])

    def test_what_was_missed_is_made_up_for_as_long_as_its_age_allows(self):
        for resumed, expected in [
            ("2026-11-25T23:20:00Z", ["2026-11-25T22:30:00Z"]),
            ("2026-11-25T23:31:00Z", []),
        ]:
            self.started.clear()
            schedules.checked_until.clear()
            self.schedule(_fired_at=instant("2026-11-24T22:30:00Z"))
            self.advance(resumed, 100)
            self.assertEqual([json.loads(text)["scheduled_time"] for text in self.started], expected)
            schedules.checked_until.clear()  # as after a restart
            self.advance(resumed, 200)
            self.assertEqual(len(self.started), len(expected))

    def test_a_changed_schedule_makes_up_for_nothing_before_its_change(self):
        self.schedule(LastModificationDate=instant("2026-11-25T22:40:00Z"))
        self.advance("2026-11-25T22:50:00Z", 100)
        self.assertEqual(self.started, [])


if __name__ == "__main__":
    unittest.main()
