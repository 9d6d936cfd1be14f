//! The data of a record on the stream: JSON Lines of bars.

use shared::Bar;

/// The bars of a record, and how many of its lines are none.
pub fn bars(data: &[u8]) -> (Vec<Bar>, usize) {
    let lines = data.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let (mut bars, mut unreadable) = (Vec::new(), 0);
    for line in lines {
        match serde_json::from_slice(line) {
            Ok(bar) => bars.push(bar),
            Err(_) => unreadable += 1,
        }
    }
    (bars, unreadable)
}

#[cfg(test)]
mod tests {
    use super::{super::board::tests::bar, *};

    #[test]
    fn lines_that_are_no_bars_are_left_out() -> Result<(), Box<dyn std::error::Error>> {
        let line = serde_json::to_string(&bar("META", "09:30", 0)?)?;
        for (data, expected) in [
            (String::new(), (0, 0)),
            (line.clone(), (1, 0)),
            (format!("{line}\r\n\n{line}\n"), (2, 0)),
            (format!("{line}\n{{}}\nno JSON"), (1, 2)),
            (line.replace("\"ts\"", "\"at\""), (0, 1)),
        ] {
            let (bars, unreadable) = bars(data.as_bytes());
            assert_eq!((bars.len(), unreadable), expected, "{data}");
        }
        assert_eq!(bars(&[0xff, b'\n']).1, 1);
        Ok(())
    }
}
