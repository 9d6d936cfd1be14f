//! Two or three runs of one day at once, whose calls to S3 come in any order, and whose processes may be killed before or
//! after any call: what is published belongs together and is complete for its run.
//!
//! The exporters run as they do in production, down to the HTTP requests of the SDK. Each request waits until the test lets
//! S3 reply to it. The request of a killed process may have reached S3, may reach it later, or never; a kill and a failure
//! may be followed by a retry, as in the state machine.

mod world; // S3, the exporters and their calls under way

use proptest::prelude::*;
use tokio::runtime::Builder;

use world::World;

/// What becomes of a call.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// S3 replies.
    Reply,
    /// The reply is lost, and the SDK makes the call again.
    Twice,
    /// Where the write has a condition, S3 says that another write was under way (409).
    Conflict,
    /// The caller gets no reply, and gives up.
    Lost { reached: Reached },
    /// The caller is killed.
    Killed { reached: Reached, retried: bool },
}

/// Whether a call whose caller got no reply has reached S3.
#[derive(Debug, Clone, Copy)]
enum Reached {
    Never,
    Before,
    /// It is under way, and reaches S3 at a later step.
    Later,
}

/// What becomes of one of the calls under way, which are numbered.
#[derive(Debug, Clone, Copy)]
struct Step {
    call: usize,
    event: Event,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    /// When it began to collect, in seconds of a minute.
    collected_at: u8,
    /// Whether its first query sees too few bars of one symbol, and as many too many of another.
    early: bool,
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let run = (0_u8..3, any::<bool>()).prop_map(|(collected_at, early)| Run { collected_at, early });
    prop::collection::vec(run, 2..=3)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let reached = prop_oneof![Just(Reached::Never), Just(Reached::Before), Just(Reached::Later)];
    let event = prop_oneof![
        16 => Just(Event::Reply),
        1 => Just(Event::Twice),
        1 => Just(Event::Conflict),
        1 => reached.clone().prop_map(|reached| Event::Lost { reached }),
        2 => (reached, any::<bool>()).prop_map(|(reached, retried)| Event::Killed { reached, retried }),
    ];
    prop::collection::vec((0_usize..6, event).prop_map(|(call, event)| Step { call, event }), 0..60)
}

/// Plays the steps, then lets S3 reply to every call until all exporters have ended.
async fn play(runs: &[Run], steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut world = World::new(runs)?;
    let rest = std::iter::repeat(Step { call: 0, event: Event::Reply });
    for step in steps.into_iter().chain(rest).take(2000) {
        if !world.settle().await? {
            return world.check_end();
        }
        world.step(step)?;
    }
    Err(TestCaseError::fail("the exporters do not end"))
}

proptest! {
    #[test]
    fn what_is_published_belongs_together_and_is_complete(runs in runs(), steps in steps()) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.map_err(|error| TestCaseError::fail(error.to_string()))?.block_on(play(&runs, steps))?;
    }
}

/// One run makes some calls and stands still, another runs to its end, the first makes some more calls and is killed: for
/// every number of calls, whichever of the two collected later.
#[tokio::test(start_paused = true)]
async fn a_run_that_stood_still_undoes_nothing() -> Result<(), TestCaseError> {
    let run = |collected_at| Run { collected_at, early: false };
    let killed = Event::Killed { reached: Reached::Never, retried: false };
    // An export takes at most 16 calls here.
    for (runs, before, after) in [[run(0), run(1)], [run(1), run(0)]]
        .into_iter()
        .flat_map(|runs| (0..16).flat_map(move |before| (0..16 - before).map(move |after| (runs, before, after))))
    {
        let mut world = World::new(&runs)?;
        let turns = [(0, before, Event::Reply), (1, 100, Event::Reply), (0, after, Event::Reply), (0, 1, killed)];
        for (run, calls, event) in turns {
            for _ in 0..calls {
                world.settle().await?;
                let Some(call) = world.call_of(run) else { break };
                world.step(Step { call, event })?;
            }
        }
        world.settle().await?;
        world.check_end()?;
    }
    Ok(())
}
