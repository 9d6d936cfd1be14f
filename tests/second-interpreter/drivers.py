"""Runs paths through the state machines on one of two interpreters, and prints what each path did, a JSON line a path.

Both interpreters run inside this process, and a Script answers in place of the services, so no server is started. What
is called and replaced in them is private, so their versions are pinned:
  localstack  localstack-core 4.14.0, which evaluates JSONata by com.dashjoin:jsonata in a JVM
  ministack   MiniStack 1.5.33, the local cloud, which has a JSONata of its own

Usage: drivers.py localstack|ministack STATEMACHINE_FOLDER JAR_FOLDER [PATH...]
"""

import concurrent.futures
import contextvars
import datetime
import json
import logging
import os
import pathlib
import re
import sys
import time
import types

import paths

ACCOUNT, REGION = "000000000000", "us-east-1"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:finstream-"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:finstream-"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/finstream"
TIME_LIMIT = 240  # seconds, for a path
AT_ONCE = 12  # paths; most of a path's time is spent in waits


# --- The definition ---------------------------------------------------------------------------------------------


def shortened(file, pauses):
    """The definition with its substitutions filled in, and with no waits but the pauses, given in seconds by state."""
    machine = json.loads(re.sub(r"\$\{([\w:]+)}", lambda found: substitution(found[1]), file.read_text("utf-8")))
    machine["TimeoutSeconds"] = TIME_LIMIT
    for name, state in machine["States"].items():
        if name in pauses:
            state["Seconds"] = pauses[name]
        elif isinstance(state.get("Seconds"), str):  # evaluated all the same: it may be the expression that is wrong
            state["Seconds"] = "{% (" + state["Seconds"].removeprefix("{%").removesuffix("%}") + ") * 0 %}"
        elif "Seconds" in state:
            state["Seconds"] = 0
        for retry in state.get("Retry", []):
            retry.update(IntervalSeconds=1, BackoffRate=1.0)  # a second is the least that the language allows
            retry.pop("JitterStrategy", None)
    return json.dumps(machine)


def substitution(name):
    if name.endswith("Partition"):
        return "aws"
    if name.endswith("Seconds"):
        return "60"
    if name == "ScheduleList":
        return "companies"
    return f"arn:aws:service:{REGION}:{ACCOUNT}:{name}" if name.endswith("Arn") else name


# --- The services' answers --------------------------------------------------------------------------------------


class Script:
    """Answers a path's tasks in the order of the script, and records the requests."""

    def __init__(self, path):
        self.answers = {state: list(answers) for state, answers in path.answers.items() if state not in paths.POLLS}
        self.polls = {state: [list(polls) for polls in path.answers.get(state, [])] for state in paths.POLLS}
        self.calls, self.requests, self.messages, self.crawls, self.run_ids = {}, {}, [], [], []

    def answer(self, state, arguments):
        self.calls[state] = self.calls.get(state, 0) + 1
        self.requests.setdefault(state, []).append(arguments.get("Payload", arguments))
        if "TopicArn" in arguments:
            self.messages.append(arguments)
        if state == "Collect" and isinstance(arguments["Payload"], dict) and "run_id" in arguments["Payload"]:
            self.run_ids.append(arguments["Payload"]["run_id"])
        left = self.answers.get(state)
        if not left:
            return paths.throws("Unscripted", f"the path has no answer for call {self.calls[state]} of {state}")
        repeats = len(left) == 1 and (state in paths.POLLS or isinstance(left[0], paths.Always))
        answer = left[0] if repeats else left.pop(0)
        answer = answer.answer if isinstance(answer, paths.Always) else answer
        if "result" in answer:
            self.begin_polls(state)
        return json.loads(re.sub(r"\{(now|date|crawl)(?: -?(\d+)h?)?}", self.moment, json.dumps(answer)))

    def begin_polls(self, started_by):
        for state in (state for state, starter in paths.POLLS.items() if starter == started_by):
            self.answers[state] = self.polls[state].pop(0) if self.polls[state] else []
        if started_by == "StartCrawler":
            self.crawls.append(now())

    def moment(self, placeholder):
        """Instants are filled in late, since the definition may ask the clock. Glue gives them in whole seconds."""
        name, number = placeholder[1], int(placeholder[2] or 0)
        instant = self.crawls[number - 1] if name == "crawl" else now() - datetime.timedelta(hours=number)
        return instant.strftime("%Y-%m-%d" if name == "date" else "%Y-%m-%dT%H:%M:%SZ")


def now():
    return datetime.datetime.now(datetime.timezone.utc)


# --- LocalStack -------------------------------------------------------------------------------------------------


def localstack(jars):
    """A function that runs one execution on LocalStack's interpreter."""
    # The interpreter needs little of these two modules, which import much else: some of it needs Python 3.13.
    java = types.SimpleNamespace(install=lambda: None, get_java_lib_path=lambda: jpype.getDefaultJVMPath(),
                                 get_installed_dir=lambda: jars)
    replace_module("localstack.services.stepfunctions.packages",
                   jpype_jsonata_package=types.SimpleNamespace(get_installer=lambda: java))
    replace_module("localstack.services.events.utils",
                   to_json_str=lambda value, separators=(",", ":"): json.dumps(value, separators=separators))
    import jpype
    from localstack.services.stepfunctions.asl.eval import environment, evaluation_details, states
    from localstack.services.stepfunctions.asl.eval.event import event_manager
    from localstack.services.stepfunctions.asl.parse.asl_parser import AmazonStateLanguageParser
    from localstack.services.stepfunctions.local_mocking import mock_config

    class Environment(environment.Environment):
        """Takes every task's answer from the script, not from the file that SFN_MOCK_CONFIG names."""

        script = None

        def is_local_mocked_mode(self):
            return True

        def open_frame(self, *args):
            frame = super().open_frame(*args)
            frame.script = self.script
            return frame

        def get_current_local_mocked_response(self):
            events = reversed(self.event_manager._history_event_list)
            scheduled = next(event for event in events if event["type"] == "TaskScheduled")
            arguments = json.loads(scheduled["taskScheduledEventDetails"]["parameters"])
            answer = self.script.answer(self.next_state_name, arguments)
            if "result" in answer:
                return mock_config.LocalMockedResponseReturn(0, 0, answer["result"])
            if answer["error"] == "States.Timeout":
                raise TimeoutError  # as its own clock does; it refuses mocked errors with this name
            # It gives an absent cause as an empty one, and says that AWS does.
            return mock_config.LocalMockedResponseThrow(0, 0, answer["error"], answer.get("cause", ""))

    def run(path, definition, script):
        machine = states.StateMachineData(Id=MACHINE + path.machine, Name="finstream-" + path.machine)
        execution = states.ExecutionData(
            Id=f"{EXECUTION}{path.machine}:{path.execution or path.name}", Name=path.execution or path.name,
            Input=path.input, RoleArn=ROLE,
            StartTime=path.started or now().isoformat(timespec="milliseconds").replace("+00:00", "Z"))
        env = Environment(
            aws_execution_details=evaluation_details.AWSExecutionDetails(ACCOUNT, REGION, ROLE),
            execution_type="STANDARD", context=states.ContextObjectData(Execution=execution, StateMachine=machine),
            event_history_context=event_manager.EventHistoryContext.of_program_start(),
            cloud_watch_logging_session=None, activity_store={})
        env.script = script
        AmazonStateLanguageParser.parse(definition)[0].eval(env)
        events = env.event_manager.get_event_history()
        details = next((value for name, value in events[-1].items() if name.endswith("EventDetails")), {})
        return {"status": events[-1]["type"].removeprefix("Execution").upper(), **details, "events": events}

    return run


def replace_module(name, **contents):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(contents)


# --- MiniStack --------------------------------------------------------------------------------------------------


def ministack(_):
    """A function that runs one execution on MiniStack's interpreter."""
    from ministack.services import stepfunctions

    task = contextvars.ContextVar("the state and the script of the task at work")
    execute_task_was, apply_catcher_was = stepfunctions._execute_task, stepfunctions._apply_catcher
    run_execution_was = stepfunctions._run_execution
    scripts, starts = {}, {}

    def run_execution(arn):
        stepfunctions._executions[arn]["startDate"] = starts[arn] or stepfunctions._executions[arn]["startDate"]
        run_execution_was(arn)

    def execute_task(state, state_input, execution, context):
        task.set((context["State"]["Name"], scripts[execution["executionArn"]]))
        return execute_task_was(state, state_input, execution, context)

    def invoke(resource, arguments, _time_limit=None):
        state, script = task.get()
        answer = script.answer(state, arguments)
        if "error" in answer:
            raise stepfunctions._ExecutionError(answer["error"], answer.get("cause"))
        return answer["result"]

    def apply_catcher(catcher, state_input, context, language, error):
        """Leaves an absent cause out, where MiniStack gives null, which no service does."""
        error = {name: value for name, value in error.items() if value is not None}
        return apply_catcher_was(catcher, state_input, context, language, error)

    stepfunctions._execute_task, stepfunctions._apply_catcher = execute_task, apply_catcher
    stepfunctions._run_execution = run_execution
    stepfunctions._invoke_resource = stepfunctions._invoke_resource_with_timeout = invoke

    def call(function, **arguments):
        status, _, body = function(arguments)
        if status != 200:
            raise RuntimeError(body)
        return json.loads(body)

    def run(path, definition, script):
        # A machine for each path: the definitions differ in their pauses.
        machine = call(stepfunctions._create_state_machine, name=f"finstream-{path.machine}-{path.name}",
                       definition=definition, roleArn=ROLE)["stateMachineArn"]
        name = path.execution or path.name
        arn = f"{EXECUTION}{path.machine}-{path.name}:{name}"
        scripts[arn], starts[arn] = script, path.started
        call(stepfunctions._start_execution, stateMachineArn=machine, name=name, input=json.dumps(path.input))
        end = time.monotonic() + TIME_LIMIT
        while (execution := stepfunctions._executions[arn])["status"] == "RUNNING" and time.monotonic() < end:
            time.sleep(0.02)
        return {name: execution.get(name) for name in ("status", "error", "cause", "output", "events")}

    return run


# --- All paths --------------------------------------------------------------------------------------------------


def outcome(run, path, folder):
    script = Script(path)
    try:
        ran = run(path, shortened(folder / f"{path.machine}.asl.json", path.pauses), script)
    except Exception as error:  # the interpreter refuses the definition
        ran = {"status": "NOT RUN", "error": type(error).__name__, "cause": str(error), "events": []}

    def details(kind):
        return [event[kind] for event in ran["events"] if kind in event]

    return {
        "path": path.name, "status": ran["status"], "error": ran.get("error"), "cause": ran.get("cause"),
        "output": json.loads(ran["output"]) if ran["status"] == "SUCCEEDED" else None,
        "calls": script.calls, "requests": script.requests, "messages": script.messages, "run_ids": script.run_ids,
        "states": [state["name"] for state in details("stateEnteredEventDetails")],
        "evaluation_errors": details("evaluationFailedEventDetails"),
    }


def main(interpreter, folder, jars, *names):
    logging.disable()  # what goes wrong in a path is in its history
    run = {"localstack": localstack, "ministack": ministack}[interpreter](jars)
    chosen = [path for path in paths.PATHS if path.name in names or not names]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for result in pool.map(lambda path: outcome(run, path, pathlib.Path(folder)), chosen):
            print(json.dumps(result), flush=True)
    os._exit(0)  # threads of the JVM may still run


if __name__ == "__main__":
    main(*sys.argv[1:])
