//! `finstream live`: the bars of a data stream, on a board or a line each. The stream is one of the tests', which write its
//! records; that ticks write them is not this module's.

use std::{process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::run;
use local::LocalCloud;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

use crate::{Context, trials};

trials![
    without_a_stream_it_says_how_to_get_one,
    each_bar_is_printed_once_while_shards_are_split,
    the_terminal_is_left_as_it_was,
];

const DATE: &str = "2024-05-14";

/// How long a program may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The shared local cloud, as the command finds it, with another stream.
struct Live {
    home: TempDir,
    stream: String,
}

impl Live {
    /// With a new stream of that name, of one shard.
    async fn create(context: &Context, stream: &str) -> Result<Self> {
        context.aws(&["kinesis", "create-stream", "--stream-name", stream, "--shard-count", "1"]).await?;
        let description = context.aws(&["kinesis", "describe-stream-summary", "--stream-name", stream]).await?;
        let arn = description["StreamDescriptionSummary"]["StreamARN"].as_str().context("no ARN")?.to_owned();
        Ok(Self { home: home(&context.stack.cloud, Some(&arn))?, stream: stream.to_owned() })
    }

    /// Writes bars as one record: each a symbol, the minute after 09:00 in which it starts, and which collection it is of.
    async fn put(&self, context: &Context, bars: &[(&str, u8, u8)]) -> Result<()> {
        let lines: String =
            bars.iter().map(|(symbol, minute, collection)| line(symbol, *minute, *collection)).collect();
        self.put_text(context, &lines).await
    }

    async fn put_text(&self, context: &Context, text: &str) -> Result<()> {
        let put = ["kinesis", "put-record", "--stream-name", &self.stream, "--partition-key", &text.len().to_string()];
        let data = ["--data", text]; // version 1 of the CLI takes the bytes themselves
        context.aws(&[&put[..], &data].concat()).await?;
        Ok(())
    }
}

/// The folder of the local cloud with another stream, or none.
fn home(cloud: &LocalCloud, stream: Option<&str>) -> Result<TempDir> {
    let home = tempfile::tempdir()?;
    let mut cloud = cloud.clone();
    cloud.outputs.remove("LiveStreamArn");
    cloud.outputs.extend(stream.map(|arn| ("LiveStreamArn".to_owned(), arn.to_owned())));
    std::fs::write(home.path().join("state.json"), serde_json::to_string(&cloud)?)?;
    Ok(home)
}

fn line(symbol: &str, minute: u8, collection: u8) -> String {
    let close = 330 + u32::from(minute) + u32::from(collection);
    let bar = json!({
        "symbol": symbol, "company_name": symbol, "trade_date": DATE, "ts": format!("{DATE}T09:{minute:02}:00-04:00"),
        "open": 330.0, "high": 400.0, "low": 300.0, "close": close, "volume": 1_000, "currency": "USD", "interval": "5m",
        "collected_at": format!("{DATE}T14:{collection:02}:00Z"), "run_id": format!("live-{DATE}"),
    });
    format!("{bar}\n")
}

async fn without_a_stream_it_says_how_to_get_one(context: Arc<Context>) -> Result<()> {
    let home = home(&context.stack.cloud, None)?;
    let refused = context.tools.finstream_at(home.path(), &["live"]).await?;
    ensure!(refused.code == 1 && refused.stdout.is_empty(), "{refused:#?}");
    ensure!(refused.stderr.contains("has no data stream: stop it with"), "{refused:#?}");
    let home = self::home(&context.stack.cloud, Some("arn:aws:kinesis:us-east-1:000000000000:stream/absent"))?;
    let refused = context.tools.finstream_at(home.path(), &["live"]).await?;
    ensure!(
        refused.code == 1 && refused.stderr.contains("kinesis:ListShards was refused: ResourceNotFound"),
        "{refused:#?}"
    );
    Ok(())
}

async fn each_bar_is_printed_once_while_shards_are_split(context: Arc<Context>) -> Result<()> {
    let live = Live::create(&context, "printed").await?;
    live.put(&context, &[("META", 30, 0), ("SHOP", 30, 0), ("SNAP", 30, 0)]).await?;
    live.put(&context, &[("META", 30, 0), ("SHOP", 30, 0)]).await?;
    let args = ["live", "--json", "--from", "10m", "--symbols", "META,SHOP", "--bars", "5", "--for", "50s", "--quiet"];
    let mut command = context.tools.finstream_command(live.home.path());
    let mut program = command.args(args).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(program.stdout.take().context("no output")?).lines();
    let mut next = async || -> Result<(String, String, Value, bool)> {
        let line = timeout(TIMEOUT, lines.next_line()).await??.context("it has ended")?;
        let bar: Value = serde_json::from_str(&line)?;
        let text = |name: &str| bar[name].as_str().unwrap_or_default().to_owned();
        Ok((text("symbol"), text("ts")[11..16].to_owned(), bar["close"].clone(), bar["corrected"] == json!(true)))
    };
    let bar =
        |symbol: &str, at: &str, close: f64, corrected| (symbol.to_owned(), at.to_owned(), json!(close), corrected);
    ensure!([next().await?, next().await?] == [bar("META", "09:30", 360.0, false), bar("SHOP", "09:30", 360.0, false)]);

    let half = (1_u128 << 127).to_string();
    let split = ["kinesis", "split-shard", "--stream-name", &live.stream, "--shard-to-split", "shardId-000000000000"];
    context.aws(&[&split[..], &["--new-starting-hash-key", &half]].concat()).await?;
    live.put_text(&context, "no bar\n").await?;
    live.put(&context, &[("META", 30, 1)]).await?;
    ensure!(next().await? == bar("META", "09:30", 361.0, true));
    live.put(&context, &[("META", 30, 1), ("SHOP", 35, 1), ("META", 30, 0)]).await?;
    ensure!(next().await? == bar("SHOP", "09:35", 366.0, false));
    live.put(&context, &[("META", 35, 1), ("META", 40, 1)]).await?;
    ensure!(next().await? == bar("META", "09:35", 366.0, false));
    ensure!(next().await.is_err(), "it ends after five bars");
    ensure!(timeout(TIMEOUT, program.wait()).await??.code() == Some(0));

    let few = ["live", "--from", "0s", "--bars", "1", "--for", "1s"];
    let few = context.tools.finstream_at(live.home.path(), &few).await?;
    ensure!(few.code == 3 && few.stdout.lines().count() == 1, "{few:#?}");
    Ok(())
}

/// Runs a program on a terminal of 80 columns, waits for a word of the help line and for a bar, ends it as the first argument says,
/// and prints what it wrote. The terminal's settings must be as before.
const ON_A_TERMINAL: &str = r#"
import fcntl, os, pty, select, signal, struct, sys, termios, time

pid, terminal = pty.fork()
if pid == 0:
    time.sleep(0.2)
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[2], sys.argv[2:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
before = termios.tcgetattr(terminal)
shown, end, ended, raw = b"", time.time() + 30, False, None
while time.time() < end:
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            shown += os.read(terminal, 65536)
        except OSError:  # it has ended, and all that it wrote is read
            break
    if not ended and b"quit" in shown and b"META" in shown:
        ended = True
        raw = termios.tcgetattr(terminal)
        if sys.argv[1] == "TERM":
            os.kill(pid, signal.SIGTERM)
        else:
            os.write(terminal, sys.argv[1].encode())
after = termios.tcgetattr(terminal)
if not ended:
    print(shown)
print("ended", ended, "raw", raw != before, "restored", after == before, "left", b"\x1b[?1049l" in shown)
"#;

async fn the_terminal_is_left_as_it_was(context: Arc<Context>) -> Result<()> {
    let live = Live::create(&context, "shown").await?;
    live.put(&context, &[("META", 30, 0)]).await?;
    let finstream = context.tools.finstream_command(live.home.path());
    let finstream = finstream.as_std().get_program().to_str().context("its path is not text")?;
    for end in ["q", "\u{3}", "TERM"] {
        let mut python = context.tools.tool_command("python");
        python.args(["-c", ON_A_TERMINAL, end, finstream, "live", "--from", "10m"]);
        let shown = run(python.env("FINSTREAM_LOCAL_HOME", live.home.path())).await?;
        ensure!(shown.stdout.trim() == "ended True raw True restored True left True", "{end:?}: {shown:#?}");
    }
    Ok(())
}
