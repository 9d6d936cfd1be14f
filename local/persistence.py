"""Keeps MiniStack's state on disk as it changes, and bounded, so that it survives a stop, a reboot and `kill -9`.

MiniStack saves once, when it is stopped, and keeps every execution, query, log line and delivered record for good. Here
a thread saves SAVE_SECONDS after something has changed: each service to a file of its own, written only where it differs
from the last one. Objects are not part of this; MiniStack writes them to S3_DATA_DIR at once (S3_PERSIST).
"""

import asyncio
import fcntl
import hashlib
import json
import logging
import os
import pathlib
import shutil
import threading
import time

import lifecycle
from ministack import app
from ministack.core import persistence
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import athena, cloudformation, cloudwatch, cloudwatch_logs, eventbridge, firehose, stepfunctions

SAVE_SECONDS = 3

# How much is kept of what grows with every run. What is older is dropped, the oldest first.
MAX_EXECUTIONS = 200
MAX_QUERIES = 200
MAX_LOG_EVENTS = 10_000  # per log group
MAX_EVENTS = 1_000  # of the event bus, of a stack, and of all alarms
MAX_LOG_BYTES = 10 * 1024 * 1024  # per file in log/, and once more for the part before it

logger = logging.getLogger("persistence")
original_app = app.app
original_deliver = firehose._deliver_records_to_s3

changed = threading.Event()
saving = threading.Lock()
lock = None  # the file whose lock says that the data is in use
saved = {}  # the digest of what was last saved of each service


# --- Saving and restoring ---------------------------------------------------------------------------------------


def save_all(services):
    """Saves the services that differ from what was last saved. Returns whether one did, or there is more to save.

    All of them are written before the first replaces its former file, and none while a stack is being deployed: a process
    that is killed leaves no mixture, and a stack that is as it was before, or as it is after.
    """
    with saving:
        drop_oldest()
        texts = {name: serialize(name, state) for name, get in services.items() if (state := snapshot(get)) is not None}
        digests = {name: hashlib.sha256(text.encode()).digest() for name, text in texts.items()}
        texts = {name: text for name, text in texts.items() if saved.get(name) != digests[name]}
        if is_deploying():
            return True
        folder = pathlib.Path(persistence.STATE_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with open(folder / f"{name}.json.tmp", "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        for name in texts:
            os.replace(folder / f"{name}.json.tmp", folder / f"{name}.json")
        saved.update(digests)
        return bool(texts)


def is_deploying():
    stacks = list(cloudformation._stacks._data.values())
    return any(stack["StackStatus"].endswith("_IN_PROGRESS") for stack in stacks)


def snapshot(get_state):
    """The state of a service, copied while requests and executions go on changing it."""
    for _ in range(100):
        try:
            return get_state()
        except RuntimeError:  # a dictionary changed its size while it was copied
            time.sleep(0.01)
    return get_state()


def serialize(name, state):
    wrapped = {"__ministack_format__": persistence._state_format_version(name), "payload": state}
    return json.dumps(wrapped, default=persistence._json_default)


def restore():
    """Restores every service. Fails where one cannot be: started without its state, it would contradict the others."""
    for name, module in app._state_map.items():
        path = pathlib.Path(persistence.STATE_DIR, f"{name}.json")
        if path.exists():
            try:
                state = json.loads(path.read_text(), object_hook=persistence._json_object_hook)["payload"]
                app._get_module(module).load_persisted_state(state)
            except Exception as error:
                raise SystemExit(f"{path} is damaged: {error!r}") from error
    report_interrupted_executions()


def report_interrupted_executions():
    """Publishes the end of the executions that were running when the server ended, so that the alert is sent.

    MiniStack restores them as failed with States.ServiceRestart, and says so to nobody.
    """
    for (account, region, _), execution in list(stepfunctions._executions._data.items()):
        interrupted = execution.get("error") == "States.ServiceRestart"
        if interrupted and execution["events"][-1]["type"] != "ExecutionFailed":
            set_request_account_id(account)
            set_request_region(region)
            stepfunctions._fail_execution(execution, execution["error"], execution["cause"])


def save():
    """As `save_all`, for all services in use."""
    return save_all(app._build_persistence_save_dict())


def keep_saving():
    while True:
        changed.wait()
        time.sleep(SAVE_SECONDS)
        changed.clear()
        try:
            lifecycle.expire_daily(time.time())
            if save():
                changed.set()  # a running execution changes without requests
            for log in pathlib.Path("log").glob("*.log"):
                rotate(log)
        except Exception:
            logger.exception("the state cannot be saved")
            changed.set()


async def serve(scope, receive, send):
    """MiniStack's application, with POST /_finstream/save: the answer is 204 once all that happened before is saved."""
    if scope["type"] == "http" and scope["path"] == "/_finstream/save":
        await asyncio.to_thread(save)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
    else:
        changed.set()
        await original_app(scope, receive, send)


# --- Bounds -----------------------------------------------------------------------------------------------------


def deliver_records_to_s3(stream, destination, records):
    original_deliver(stream, destination, records)
    destination["records"].clear()  # delivered


def drop_oldest():
    executions = stepfunctions._executions._data
    ended = [key for key, execution in list(executions.items()) if execution["status"] != "RUNNING"]
    drop(executions, sorted(ended, key=lambda key: executions[key]["startDate"]), MAX_EXECUTIONS)
    drop(athena._executions._data, list(athena._executions._data), MAX_QUERIES)
    lists = [*eventbridge._events_log._data.values(), *cloudwatch._alarm_history._data.values()]
    for events in [*lists, *cloudformation._stack_events._data.values()]:
        del events[:-MAX_EVENTS]
    cloudwatch_logs._log_records._data.clear()  # a second copy of each event, for the details of Logs Insights
    with cloudwatch_logs._log_events_lock:
        for group in list(cloudwatch_logs._log_groups._data.values()):
            drop_oldest_streams(group["streams"])


def drop(entries, oldest_first, limit):
    for key in oldest_first[: max(0, len(oldest_first) - limit)]:
        entries.pop(key, None)


def drop_oldest_streams(streams):
    """Drops whole streams of a log group: each is that of one process of a function, and ends with it."""
    newest_first = sorted(streams, key=lambda name: streams[name]["lastEventTimestamp"] or 0, reverse=True)
    events = 0
    for name in newest_first:
        events += len(streams[name]["events"])
        if events > MAX_LOG_EVENTS and name != newest_first[0]:
            del streams[name]
        else:
            del streams[name]["events"][:-MAX_LOG_EVENTS]


def rotate(log):
    """Moves a log that has grown too long to `<log>.1`. The process that writes it appends, and goes on at the start."""
    if log.stat().st_size > MAX_LOG_BYTES:
        shutil.copyfile(log, f"{log}.1")
        os.truncate(log, 0)


def install():
    global lock
    firehose._deliver_records_to_s3 = deliver_records_to_s3
    if persistence.PERSIST_STATE:
        lock = open("data.lock", "w")  # held until this process ends, which is after it has saved
        fcntl.flock(lock, fcntl.LOCK_EX)
        app.app = serve
        app.save_all = save_all
        app._load_persisted_state = restore
        threading.Thread(target=keep_saving, daemon=True, name="persistence").start()
