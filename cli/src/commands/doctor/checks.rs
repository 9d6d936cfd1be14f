//! The list of checks, in the order in which they are shown: that of a run, then what starts and watches it.

use futures::future::BoxFuture;

use super::{
    athena, cloudwatch, deployment::Deployment, eventbridge, firehose, glue, iam, kinesis, lambda, outcome::Outcome,
    s3, scheduler, sfn, sns, stack,
};

pub struct Check {
    pub name: &'static str,
    pub run: for<'a> fn(&'a Deployment) -> BoxFuture<'a, Outcome>,
}

macro_rules! checks {
    ($($name:literal: $deployment:ident => $check:expr,)*) => {
        &[$(Check { name: $name, run: |$deployment| Box::pin($check) }),*]
    };
}

/// The checks of a stack that exists.
pub const CHECKS: &[Check] = checks![
    "outputs": it => stack::has_outputs(it),
    "bucket": it => s3::versioning(it),
    "bucket notifications": it => s3::notifications(it),
    "bucket encryption": it => s3::encryption(it),
    "collect": it => lambda::configuration(it, &lambda::COLLECT),
    "start-crawler": it => lambda::configuration(it, &lambda::START_CRAWLER),
    "run-query": it => lambda::configuration(it, &lambda::RUN_QUERY),
    "export-csv": it => lambda::configuration(it, &lambda::EXPORT_CSV),
    "market": it => lambda::market(it),
    "delivery stream": it => firehose::stream(it, "DeliveryStream"),
    "table": it => glue::table(it),
    "crawler": it => glue::crawler(it),
    "workgroup": it => athena::work_group(it),
    "pipeline": it => sfn::state_machine(it, "StateMachineArn"),
    "last run": it => sfn::last_run(it),
    "watch": it => sfn::state_machine(it, "WatchArn"),
    "schedule of runs": it => scheduler::schedule(it, "after-the-close", "ScheduleExpression"),
    "schedule of the watch": it => scheduler::schedule(it, "morning-after", "WatchExpression"),
    "alarm run-did-not-start": it => cloudwatch::alarm(it, "run-did-not-start"),
    "alarm delivery-is-late": it => cloudwatch::alarm(it, "delivery-is-late"),
    "rule run-did-not-succeed": it => eventbridge::rule(it, "run-did-not-succeed"),
    "rule records-not-delivered": it => eventbridge::rule(it, "records-not-delivered"),
    "subscribers of runs": it => sns::subscriptions(it, "TopicArn"),
    "subscribers of alerts": it => sns::subscriptions(it, "AlertsArn"),
    "role of collect": it => iam::role(it, &iam::COLLECT),
    "role of start-crawler": it => iam::role(it, &iam::START_CRAWLER),
    "role of run-query": it => iam::role(it, &iam::RUN_QUERY),
    "role of export-csv": it => iam::role(it, &iam::EXPORT_CSV),
    "role of the stream": it => iam::role(it, &iam::DELIVERY),
    "role of the crawler": it => iam::role(it, &iam::CRAWLER),
    "role of the pipeline": it => iam::role(it, &iam::PIPELINE),
    "role of the watch": it => iam::role(it, &iam::WATCH),
    "role of the schedules": it => iam::role(it, &iam::SCHEDULE),
];

/// Further checks of a stack with `Live`.
pub const LIVE_CHECKS: &[Check] = checks![
    "live outputs": it => stack::has_live_outputs(it),
    "live stream": it => kinesis::stream(it),
    "live delivery stream": it => firehose::live_stream(it),
    "ticks": it => sfn::state_machine(it, "LiveStateMachineArn"),
    "last tick": it => sfn::last_tick(it),
    "schedule of the open": it => scheduler::schedule(it, "live-open", "LiveOpenExpression"),
    "schedule of the session": it => scheduler::schedule(it, "live", "LiveExpression"),
    "schedule of the close": it => scheduler::schedule(it, "live-close", "LiveCloseExpression"),
    "alarm ticks-fail": it => cloudwatch::alarm(it, "ticks-fail"),
    "alarm ticks-time-out": it => cloudwatch::alarm(it, "ticks-time-out"),
    "alarm ticks-do-not-start": it => cloudwatch::alarm(it, "ticks-do-not-start"),
    "alarm live-delivery": it => cloudwatch::alarm(it, "live-delivery-is-late"),
    "alarm live-writes": it => cloudwatch::alarm(it, "live-writes-are-throttled"),
    "role of collect, live": it => iam::role(it, &iam::COLLECT_LIVE),
    "role of the live stream": it => iam::role(it, &iam::LIVE_DELIVERY),
    "role of ticks": it => iam::role(it, &iam::LIVE),
    "role of their schedules": it => iam::role(it, &iam::LIVE_SCHEDULE),
];
