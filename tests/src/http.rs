//! One plain HTTP request, for what a test asks a running process itself, and a site of a few
//! texts, for what a process asks.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(5);

/// Status and body of `GET path`, with a bearer token if one is given.
///
/// # Errors
/// When there is no whole answer.
pub fn get(addr: SocketAddr, path: &str, token: Option<&str>) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&addr, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    let token = token.map_or_else(String::new, |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    // HTTP/1.0: the answer ends with the connection and comes in one piece.
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {addr}\r\n{token}\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "the answer is cut");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Ok((status.ok_or_else(cut)?, body.to_owned()))
}

/// A site on loopback that serves texts by their paths until the test ends.
#[derive(Debug)]
pub struct Site {
    addr: SocketAddr,
    texts: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Site {
    /// A site with these texts, on a free port.
    ///
    /// # Panics
    /// When there is no port.
    #[must_use]
    pub fn new(texts: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("a bound address");
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        let texts = Arc::new(Mutex::new(texts.iter().map(owned).collect()));
        let shared = Arc::clone(&texts);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who asks and goes away has no answer; the next one has.
                drop(answer(stream, &shared));
            }
        });
        Self { addr, texts }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Puts another text at a path.
    pub fn set(&self, path: &str, text: &str) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.insert(path.to_owned(), text.to_owned());
    }
}

fn answer(stream: TcpStream, texts: &Mutex<BTreeMap<String, String>>) -> io::Result<()> {
    stream.set_read_timeout(Some(WITHIN))?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, text) = match texts.get(path) {
        Some(text) => ("200 OK", text.as_str()),
        None => ("404 Not Found", ""),
    };
    let length = text.len();
    write!(
        reader.into_inner(),
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    )
}
