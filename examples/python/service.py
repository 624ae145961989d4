"""A service that counts, with nothing but the standard library."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def add(numbers):
    """The sum and the number of values."""
    return {"sum": sum(numbers), "count": len(numbers)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path != "/sums":
            return self.reply(404, {"title": "not found"})
        try:
            numbers = json.loads(body)["numbers"]
            if not all(type(number) in (int, float) for number in numbers):
                raise TypeError("a value is not a number")
            return self.reply(200, add(numbers))
        except (ValueError, KeyError, TypeError) as error:
            return self.reply(400, {"title": str(error)})

    def do_GET(self):
        if self.path == "/sums":
            return self.reply(405, {"title": "use POST"}, {"allow": "POST"})
        return self.reply(404, {"title": "not found"})

    do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_GET

    def reply(self, status, value, headers=()):
        text = json.dumps(value).encode()
        self.send_response(status)
        for name, content in dict(headers).items():
            self.send_header(name, content)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8082
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
