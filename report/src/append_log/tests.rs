//! Crash tests of [`AppendLog`]: whatever a crash leaves behind, acknowledged lines are kept.

use super::*;
use std::thread;

const KIND: LogKind = LogKind::new(Lock::External);

fn texts(path: &Path, kind: LogKind) -> Vec<String> {
    let lines = read(path, kind).unwrap();
    lines
        .iter()
        .map(|line| String::from_utf8_lossy(line.bytes).into_owned())
        .collect()
}

#[test]
fn truncation_at_every_byte_of_the_last_line_loses_nothing_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/log.ndjson");
    // The first line is longer than the block that is read from the end of the file.
    let long = "x".repeat(40_000);
    let mut log = AppendLog::open(&path, KIND).unwrap();
    log.append_all([long.as_str(), "", "two"]).unwrap();
    log.append("thrée".as_bytes()).unwrap();
    drop(log);
    let whole = fs::read(&path).unwrap();
    let n_kept = whole.len() - "thrée\n".len();
    for cut in n_kept..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        assert_eq!(
            read(&path, KIND).unwrap().torn_line(),
            (cut > n_kept).then_some(4)
        );
        let mut log = AppendLog::open(&path, KIND).unwrap();
        assert_eq!(log.n_torn_bytes(), (cut - n_kept) as u64);
        assert_eq!(log.last_line().unwrap().unwrap(), b"two");
        log.append(b"four").unwrap();
        assert_eq!(texts(&path, KIND), [long.as_str(), "", "two", "four"]);
        assert_eq!(log.n_bytes(), fs::metadata(&path).unwrap().len());
    }
}

#[test]
fn owner_of_the_log_decides_which_last_line_is_complete() {
    let kind = LogKind {
        is_complete: |line| line.starts_with(b"ok"),
        ..KIND
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    for (content, lines, n_torn_bytes) in [
        ("bad\nok", vec!["bad", "ok"], 0),
        ("bad\nok\n", vec!["bad", "ok"], 0),
        ("bad\nbad\n", vec!["bad"], 4),
        ("\0\0\n", vec![], 3),
        ("", vec![], 0),
    ] {
        fs::write(&path, content).unwrap();
        assert_eq!(texts(&path, kind), lines, "{content:?}");
        let mut log = AppendLog::open(&path, kind).unwrap();
        assert_eq!(log.n_torn_bytes(), n_torn_bytes, "{content:?}");
        log.append(b"ok new").unwrap();
        assert_eq!(texts(&path, kind), [lines, vec!["ok new"]].concat());
    }
}

#[test]
fn a_held_log_cannot_be_opened_twice_and_can_be_replaced() {
    let kind = LogKind::new(Lock::Hold);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.ndjson");
    let mut log = AppendLog::open(&path, kind).unwrap();
    let error = AppendLog::open(&path, kind).unwrap_err();
    assert!(matches!(error, AppendLogError::Busy { .. }), "{error}");
    log.append_all(["1", "2"]).unwrap();
    log.replace(["3"]).unwrap();
    log.append(b"4").unwrap();
    assert!(AppendLog::open(&path, kind).is_err(), "it is still held");
    drop(log);
    AppendLog::open(&path, kind).unwrap();
    assert_eq!(texts(&path, kind), ["3", "4"]);
}

#[test]
fn writers_that_wait_for_each_other_keep_every_line() {
    let kind = LogKind::new(Lock::Wait);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.ndjson");
    thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for n in 0..10 {
                    let mut log = AppendLog::open(path, kind).unwrap();
                    log.append(format!("{writer} {n}").as_bytes()).unwrap();
                }
            });
        }
    });
    assert_eq!(texts(&path, kind).len(), 40);
}

#[test]
fn lines_are_bounded_and_errors_name_the_line() {
    let kind = LogKind {
        line_bytes_max: 3,
        ..KIND
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut log = AppendLog::open(&path, kind).unwrap();
    log.append(b"123").unwrap();
    let error = log.append(b"1234").unwrap_err().to_string();
    assert!(error.ends_with("the limit is 3 bytes"), "{error}");
    assert!(log.append(b"1\n2").is_err());
    assert_eq!(texts(&path, kind), ["123"]);
    fs::write(&path, "123\n1234\n5\n").unwrap();
    let error = read(&path, kind).unwrap_err().to_string();
    assert!(error.starts_with("cannot read line 2 of `"), "{error}");
    let lines = Lines::parse(Path::new("l"), b"1\n{\n".to_vec(), kind).unwrap();
    let values: Vec<_> = lines.iter().map(|line| line.json::<u8>()).collect();
    assert_eq!(*values[0].as_ref().unwrap(), 1);
    let error = values[1].as_ref().unwrap_err().to_string();
    assert_eq!(error, "cannot read line 2 of `l`");
}
