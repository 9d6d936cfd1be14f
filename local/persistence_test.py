"""What is saved, restored, refused and dropped, without a server."""

import json
import os
import pathlib
import tempfile
import unittest

import persistence
from ministack.core import persistence as ministack_persistence
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import athena, cloudformation, cloudwatch_logs, eventbridge, firehose, stepfunctions

ACCOUNT, REGION = "000000000000", "us-east-1"


class WithFolder(unittest.TestCase):
    def setUp(self):
        set_request_account_id(ACCOUNT)
        set_request_region(REGION)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.addCleanup(setattr, ministack_persistence, "STATE_DIR", ministack_persistence.STATE_DIR)
        ministack_persistence.STATE_DIR = folder.name
        for module in (athena, cloudwatch_logs, eventbridge, firehose, stepfunctions):
            self.addCleanup(module.reset)
        self.addCleanup(persistence.saved.clear)


class Saving(WithFolder):
    def save(self, **states):
        return persistence.save_all({name: lambda state=state: state for name, state in states.items()})

    def test_only_what_has_changed_is_written(self):
        self.assertTrue(self.save(one={"a": 1}, two={"b": 1}))
        self.assertFalse(self.save(one={"a": 1}, two={"b": 1}))
        (self.folder / "one.json").unlink()
        self.assertTrue(self.save(one={"a": 1}, two={"b": 2}))
        self.assertEqual([path.name for path in self.folder.iterdir()], ["two.json"])
        self.assertEqual(json.loads((self.folder / "two.json").read_text())["payload"], {"b": 2})

    def test_nothing_is_replaced_when_one_service_cannot_be_saved(self):
        self.save(one={"a": 1}, two={"b": 1})
        with self.assertRaises(TypeError):
            self.save(one={"a": 2}, two={"b": object()})
        self.assertEqual(json.loads((self.folder / "one.json").read_text())["payload"], {"a": 1})

    def test_nothing_is_saved_while_a_stack_is_being_deployed(self):
        self.addCleanup(cloudformation.reset)
        self.save(one={"a": 1})
        for status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "REVIEW_IN_PROGRESS"):
            cloudformation._stacks["finstream"] = {"StackStatus": status}
            self.assertTrue(self.save(one={"a": 2}))
            self.assertEqual(json.loads((self.folder / "one.json").read_text())["payload"], {"a": 1})
        cloudformation._stacks["finstream"] = {"StackStatus": "UPDATE_COMPLETE"}
        self.save(one={"a": 2})
        self.assertEqual(json.loads((self.folder / "one.json").read_text())["payload"], {"a": 2})

    def test_a_state_that_changes_while_it_is_copied_is_copied_again(self):
        answers = [RuntimeError("dictionary changed size during iteration"), {"a": 1}]

        def get_state():
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        self.assertEqual(persistence.snapshot(get_state), {"a": 1})

    def test_an_execution_that_was_running_is_restored_as_failed_and_reported(self):
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:finstream-pipeline:one"
        machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:finstream-pipeline"
        started = "2026-11-25T22:30:00.000Z"
        events = [{"id": 1, "type": "ExecutionStarted", "timestamp": started}]
        execution = {"executionArn": arn, "stateMachineArn": machine, "name": "one", "status": "RUNNING"}
        stepfunctions._executions[arn] = {**execution, "startDate": started, "stopDate": None, "events": events}
        persistence.save_all({"stepfunctions": stepfunctions.get_state})
        for _ in range(2):  # reported once, however often the server is started
            stepfunctions.reset()
            persistence.restore()
            self.assertEqual(stepfunctions._executions[arn]["status"], "FAILED")
            self.assertEqual([event["type"] for event in stepfunctions._executions[arn]["events"]][-1], "ExecutionFailed")
            persistence.save_all({"stepfunctions": stepfunctions.get_state})
        details = [json.loads(event["Detail"]) for event in eventbridge._events_log_list()]
        self.assertEqual([(event["name"], event["error"]) for event in details], [("one", "States.ServiceRestart")])

    def test_a_damaged_file_is_named(self):
        for text in ("", "{", "[]", "{}"):
            (self.folder / "stepfunctions.json").write_text(text)
            with self.assertRaisesRegex(SystemExit, r"stepfunctions\.json is damaged"):
                persistence.restore()


class Bounds(WithFolder):
    def test_the_newest_executions_and_all_running_ones_are_kept(self):
        for number in range(persistence.MAX_EXECUTIONS + 30):
            running = number < 10
            execution = {"status": "RUNNING" if running else "SUCCEEDED", "startDate": f"2026-{number:05}"}
            stepfunctions._executions[f"execution-{number}"] = execution
        persistence.drop_oldest()
        kept = [int(key.rsplit("-")[1]) for key in stepfunctions._executions]
        self.assertEqual(kept, [*range(10), *range(30, persistence.MAX_EXECUTIONS + 30)])

    def test_the_newest_queries_and_events_are_kept(self):
        for number in range(persistence.MAX_QUERIES + 5):
            athena._executions[str(number)] = {}
        eventbridge._events_log_list().extend(range(persistence.MAX_EVENTS + 5))
        persistence.drop_oldest()
        self.assertEqual(next(iter(athena._executions)), "5")
        self.assertEqual(eventbridge._events_log_list(), list(range(5, persistence.MAX_EVENTS + 5)))

    def test_the_newest_lines_of_each_log_group_are_kept(self):
        def stream(last, events):
            return {"lastEventTimestamp": last, "events": list(range(events))}

        half = persistence.MAX_LOG_EVENTS // 2
        streams = {"old": stream(1, half), "older": stream(None, 1), "new": stream(3, half), "newer": stream(4, half)}
        cloudwatch_logs._log_groups["many"] = {"streams": streams}
        cloudwatch_logs._log_groups["long"] = {"streams": {"one": stream(1, persistence.MAX_LOG_EVENTS + 7)}}
        cloudwatch_logs._log_groups["none"] = {"streams": {}}
        persistence.drop_oldest()
        self.assertEqual(sorted(cloudwatch_logs._log_groups["many"]["streams"]), ["new", "newer"])
        events = cloudwatch_logs._log_groups["long"]["streams"]["one"]["events"]
        self.assertEqual((events[0], len(events)), (7, persistence.MAX_LOG_EVENTS))

    def test_a_delivered_record_is_not_kept(self):
        self.addCleanup(setattr, persistence, "original_deliver", persistence.original_deliver)
        persistence.original_deliver = lambda *args: None
        destination = {"records": [{"id": "1"}]}
        persistence.deliver_records_to_s3({}, destination, [("1", b"")])
        self.assertEqual(destination["records"], [])

    def test_a_long_log_goes_on_at_the_start(self):
        path = self.folder / "server.log"
        with open(path, "a") as log:
            log.write("x" * persistence.MAX_LOG_BYTES)
            log.flush()
            persistence.rotate(path)
            self.assertEqual(path.stat().st_size, persistence.MAX_LOG_BYTES)
            log.write("y")
            log.flush()
            persistence.rotate(path)
            log.write("z")
            log.flush()
        self.assertEqual(path.read_text(), "z")
        self.assertEqual(os.path.getsize(f"{path}.1"), persistence.MAX_LOG_BYTES + 1)


if __name__ == "__main__":
    unittest.main()
