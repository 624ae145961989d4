//! A service that greets, with nothing but the standard library.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8081".into());
    let listener = TcpListener::bind(&address)?;
    println!("http://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        // A client that goes away is its own business.
        let _ = stream.and_then(serve);
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = answer(&request);
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The status and the body for a request line.
fn answer(request: &str) -> (&'static str, String) {
    let mut words = request.split(' ');
    match (words.next(), words.next()) {
        (Some("GET"), Some("/health")) => ("200 OK", r#"{"status":"ok"}"#.into()),
        (Some("GET"), Some(path)) if path.starts_with("/greetings/") => {
            let name: String = path["/greetings/".len()..]
                .chars()
                .filter(|c| c.is_ascii_alphanumeric())
                .collect();
            ("200 OK", format!(r#"{{"text":"Hello, {name}"}}"#))
        }
        _ => ("404 Not Found", r#"{"title":"not found"}"#.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_greeted() {
        let (status, body) = answer("GET /greetings/ada HTTP/1.1");
        assert_eq!(
            (status, body.as_str()),
            ("200 OK", r#"{"text":"Hello, ada"}"#)
        );
    }

    #[test]
    fn an_unknown_path_is_not_found() {
        assert_eq!(answer("GET / HTTP/1.1").0, "404 Not Found");
    }
}
