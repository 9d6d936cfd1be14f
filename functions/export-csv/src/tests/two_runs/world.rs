//! S3, the exporters of the runs, and their calls that S3 has not replied to yet; what holds after every call, and in the end.

use std::{sync::Arc, time::Duration};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use proptest::{prelude::*, test_runner::TestCaseError};
use shared::{
    ErrorName, ExportFiles, Manifest, NamedError, S3Uri,
    payload::{Collection, ExportRequest, SymbolOutcomes},
};
use tokio::{sync::oneshot, task::JoinHandle};

use super::{Event, Reached, Run, Step};
use crate::{
    Error, Export, Exporter,
    report::tests::{day_of, render_collection},
    sample,
    tests::{
        CSV_COPY, MANIFEST, Mutex, PoisonError, REPORT_COPY,
        memory_s3::{self, MemoryS3, Reply, exporter_with},
    },
};

/// How often the state machine invokes the function for one query: once, and four retries.
const INVOCATIONS: u32 = 5;

type Checked<T = ()> = Result<T, TestCaseError>;
type Calls = Arc<Mutex<Vec<Call>>>;

/// A call that S3 has not replied to.
#[derive(Debug)]
struct Call {
    request: HttpRequest,
    /// The run that waits for the reply; none where the caller is killed or has given up.
    caller: Option<(usize, oneshot::Sender<Reply>)>,
}

/// Puts each call among those under way.
#[derive(Debug)]
struct Waiting {
    run: usize,
    calls: Calls,
}

impl HttpConnector for Waiting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (run, calls) = (self.run, Arc::clone(&self.calls));
        HttpConnectorFuture::new(async move {
            let request = memory_s3::in_memory(request).await?;
            let (reply, replied) = oneshot::channel();
            let call = Call { request, caller: Some((run, reply)) };
            calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
            replied.await.unwrap_or_else(|_| no_reply())
        })
    }
}

/// What the report and the CSV of a result hold.
fn contents(result: &str, collection: &Collection<SymbolOutcomes>) -> Result<[Vec<u8>; 2], Box<dyn std::error::Error>> {
    let (page, day) = (render_collection(result, collection)?, day_of(result, collection)?);
    Ok([page.into_bytes(), day.finish()?.read()?])
}

fn no_reply() -> Reply {
    Err(ConnectorError::io("no reply".into()))
}

/// A run, which is one invocation of the function after another.
struct RunState {
    /// What it exports: the result of a query that comes too early, if any, and that of one that sees every bar.
    requests: Vec<ExportRequest>,
    manifest: Manifest,
    /// What its report and its CSV hold.
    contents: [Vec<u8>; 2],
    /// The invocation that is running.
    task: Option<JoinHandle<Result<Export, Error>>>,
    invocations: u32,
    /// The step at which it last read the manifest.
    read_manifest: usize,
}

pub struct World {
    s3: MemoryS3,
    calls: Calls,
    runs: Vec<RunState>,
    /// The number of replies so far, that at which the manifest changed, and that at which an exporter that has ended
    /// without a failure read it last.
    now: usize,
    changed: usize,
    seen: usize,
}

impl World {
    pub fn new(runs: &[Run]) -> Checked<Self> {
        let s3 = MemoryS3 { hides_missing: true, ..MemoryS3::default() };
        let mut world = Self { s3, calls: Calls::default(), runs: vec![], now: 0, changed: 0, seen: 0 };
        for (number, run) in runs.iter().enumerate() {
            let state = world.run_state(number, *run).map_err(|error| TestCaseError::fail(error.to_string()))?;
            world.runs.push(state);
            world.invoke(number);
        }
        Ok(world)
    }

    fn run_state(&mut self, number: usize, run: Run) -> Result<RunState, Box<dyn std::error::Error>> {
        // The prices differ, and with them the CSV and the report.
        let whole = sample::result().replace("1.5227E3", &format!("15{number}2.7"));
        let early = whole.lines().map(|row| match row {
            _ if row.contains("\"SHOP\"") => row.replace("\"false\",\"18\"", "\"false\",\"17\"") + "\n",
            _ => row.replace("\"true\",\"6\"", "\"true\",\"7\"") + "\n",
        });
        let early = early.collect::<String>();
        let mut collection = sample::collection()?;
        collection.run_id = format!("run-{number}").parse()?;
        collection.collected_at = format!("2021-11-30T22:30:{:02}Z", run.collected_at).parse()?;
        let contents = contents(&whole, &collection)?;
        let (outcomes, collection) = sample::split(&collection)?;
        let uri = collection.symbols.uri.clone();
        self.s3.objects.insert(format!("{}/{}", uri.bucket, uri.key), outcomes);
        let manifest = Manifest {
            run_id: collection.run_id.clone(),
            collected_at: collection.collected_at,
            files: ExportFiles::of_run("lake", collection.trade_date, &collection.run_id),
        };
        let mut requests = Vec::new();
        for (name, result) in [("early", early), ("whole", whole)] {
            let key = format!("results/{number}-{name}.csv");
            self.s3.objects.insert(format!("lake/{key}"), result.into_bytes());
            requests.push(ExportRequest { collection: collection.clone(), query_result: S3Uri::new("lake", key) });
        }
        let requests = requests.split_off(usize::from(!run.early));
        Ok(RunState { requests, manifest, contents, task: None, invocations: 0, read_manifest: 0 })
    }

    fn exporter(&self, run: usize) -> Exporter {
        exporter_with(Waiting { run, calls: Arc::clone(&self.calls) })
    }

    /// Invokes the function for a run, unless that has been done too often.
    fn invoke(&mut self, number: usize) {
        let exporter = self.exporter(number);
        let run = &mut self.runs[number];
        if let Some(request) = run.requests.first().cloned().filter(|_| run.invocations < INVOCATIONS) {
            run.invocations += 1;
            run.task = Some(tokio::spawn(async move { exporter.export(&request).await }));
        }
    }

    /// Waits until every exporter waits for S3 or has ended; returns whether a call is under way.
    pub async fn settle(&mut self) -> Checked<bool> {
        loop {
            // Longer than any pause of an exporter. The clock moves on at once where nothing else can be done.
            tokio::time::sleep(Duration::from_secs(5)).await;
            let ended = self.runs.iter().position(|run| run.task.as_ref().is_some_and(JoinHandle::is_finished));
            let Some(number) = ended else { break };
            if let Some(task) = self.runs[number].task.take() {
                let result = task.await.map_err(|error| TestCaseError::fail(error.to_string()))?;
                self.end(number, result)?;
            }
        }
        Ok(!self.calls.lock().unwrap_or_else(PoisonError::into_inner).is_empty())
    }

    /// An invocation has ended by itself.
    fn end(&mut self, number: usize, result: Result<Export, Error>) -> Checked {
        let run = &mut self.runs[number];
        match result {
            Ok(Export::Exported { bars_seen, csv, report, superseded_by, .. }) => {
                prop_assert_eq!((bars_seen, run.requests.len()), (42, 1));
                prop_assert_eq!([&report, &csv], run.manifest.files.in_order());
                let (own, published) = (run.manifest.clone(), self.published()?);
                prop_assert!(superseded_by.is_none_or(|other| other != own.run_id));
                prop_assert!(published.is_some_and(|it| it.run_id == own.run_id || !own.replaces(&it)));
                self.check_files(&own)?;
                self.seen = self.seen.max(self.runs[number].read_manifest);
            }
            Ok(Export::Incomplete { bars_seen }) => {
                prop_assert_eq!((bars_seen, run.requests.len()), (41, 2));
                run.requests.remove(0);
                run.invocations = 0;
                self.invoke(number);
            }
            Err(error) => {
                prop_assert_eq!(error.name(), ErrorName::ServiceUnavailable, "{}", error);
                self.invoke(number);
            }
        }
        Ok(())
    }

    /// The number of the call that a run waits for.
    pub fn call_of(&self, run: usize) -> Option<usize> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().position(|call| call.caller.as_ref().is_some_and(|(caller, _)| *caller == run))
    }

    /// Something becomes of one of the calls under way.
    pub fn step(&mut self, Step { call, event }: Step) -> Checked {
        let Call { request, caller } = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let number = call % calls.len();
            calls.remove(number)
        };
        let Some((number, reply)) = caller else { return self.reply(&request, None).map(drop) };
        let conditional = ["if-match", "if-none-match"].iter().any(|name| request.headers().contains_key(*name));
        let answer = match event {
            Event::Lost { reached } => {
                self.reach(request, reached)?;
                no_reply()
            }
            Event::Killed { reached, retried } => {
                let task = self.runs[number].task.take();
                task.iter().for_each(JoinHandle::abort);
                self.reach(request, reached)?;
                if retried {
                    self.invoke(number);
                }
                no_reply()
            }
            Event::Conflict if conditional => memory_s3::error(409, "ConditionalRequestConflict"),
            Event::Twice => {
                let _lost = self.reply(&request, Some(number))?;
                self.reply(&request, Some(number))?
            }
            Event::Conflict | Event::Reply => self.reply(&request, Some(number))?,
        };
        let _unless_killed = reply.send(answer);
        Ok(())
    }

    /// A call whose caller gets no reply.
    fn reach(&mut self, request: HttpRequest, reached: Reached) -> Checked {
        match reached {
            Reached::Never => {}
            Reached::Before => drop(self.reply(&request, None)?),
            Reached::Later => {
                self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(Call { request, caller: None });
            }
        }
        Ok(())
    }

    /// S3 does what a request wants, after which what is published must be right.
    fn reply(&mut self, request: &HttpRequest, reader: Option<usize>) -> Checked<Reply> {
        self.now += 1;
        let before = self.published()?;
        let reply = self.s3.reply(request);
        if let Some(run) = reader.filter(|_| memory_s3::key(request) == MANIFEST) {
            self.runs[run].read_manifest = self.now;
        }
        let published = self.published()?;
        if published != before {
            self.changed = self.now;
            prop_assert!(published.as_ref().is_some_and(|new| before.is_none_or(|old| new.replaces(&old))));
        }
        // What a reader that follows the manifest gets at this moment.
        published.iter().try_for_each(|manifest| self.check_files(manifest))?;
        Ok(reply)
    }

    fn published(&self) -> Checked<Option<Manifest>> {
        let manifest = self.s3.objects.get(MANIFEST).map(|bytes| serde_json::from_slice(bytes)).transpose();
        manifest.map_err(|error| TestCaseError::fail(error.to_string()))
    }

    /// Both files that a manifest names are those of its run, with every bar.
    fn check_files(&self, manifest: &Manifest) -> Checked {
        let run = self.runs.iter().find(|run| run.manifest == *manifest);
        let Some(run) = run else { return Err(TestCaseError::fail("no run has this manifest")) };
        for (uri, content) in manifest.files.in_order().into_iter().zip(&run.contents) {
            prop_assert_eq!(self.s3.objects.get(&format!("{}/{}", uri.bucket, uri.key)), Some(content), "{}", uri);
        }
        Ok(())
    }

    /// Once an export has ended that saw the last manifest, the copies are as it says, and remain so.
    pub fn check_end(&self) -> Checked {
        if self.seen > self.changed {
            let published = self.published()?;
            let run = self.runs.iter().find(|run| published.as_ref() == Some(&run.manifest));
            for (place, key) in [REPORT_COPY, CSV_COPY].into_iter().enumerate() {
                prop_assert_eq!(self.s3.objects.get(key), run.map(|run| &run.contents[place]), "{}", key);
            }
        }
        Ok(())
    }
}
