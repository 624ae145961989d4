import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Calls the operations of the contract, one method each.
///
/// A method throws `APIStatusError` with the typed body of a declared error, `APIError` for what
/// the contract does not foresee, and the error of the transport. Cancelling the task ends the
/// call, also while it waits for a retry.
public struct APIClient: Sendable {
    /// The address that paths are added to.
    public var baseURL: URL
    /// The credentials of the caller, by the name of the security scheme.
    public var credentials: [String: APICredential]
    /// When idempotent calls are tried again.
    public var retries: RetryPolicy
    /// Header fields of every request.
    public var headers: [String: String]
    /// Changes each request before it is sent, such as to sign it.
    public var prepare: (@Sendable (inout URLRequest) async throws -> Void)?
    /// The transport that sends the requests.
    public var transport: any APITransport

    public init(
        baseURL: URL,
        credentials: [String: APICredential] = [:],
        retries: RetryPolicy = RetryPolicy(),
        headers: [String: String] = [:],
        prepare: (@Sendable (inout URLRequest) async throws -> Void)? = nil,
        transport: any APITransport = URLSession.shared
    ) {
        self.baseURL = baseURL
        self.credentials = credentials
        self.retries = retries
        self.headers = headers
        self.prepare = prepare
        self.transport = transport
    }
}

/// A secret for one security scheme.
public enum APICredential: Sendable {
    case apiKey(String)
    case basic(user: String, password: String)
    case bearer(String)
    /// Requested before each request, such as a token that expires.
    case bearerProvider(@Sendable () async throws -> String)
}

/// How a security scheme is written into a request.
enum APISecurityScheme: Sendable {
    case header(String), query(String), cookie(String), basic, bearer, other
}

/// When a call is tried again: only methods that are idempotent by RFC 9110.
public struct RetryPolicy: Sendable, Hashable {
    /// How often a call is sent at most; 1 never tries again.
    public var nAttemptsMax = 3
    /// The wait before the second attempt; it doubles each time, less a random part.
    public var delayMin: Duration = .milliseconds(200)
    /// The longest wait; a longer `Retry-After` ends the attempts.
    public var delayMax: Duration = .seconds(20)
    /// The statuses that may be different next time.
    public var statuses: Set<Int> = [408, 425, 429, 500, 502, 503, 504]

    public init() {}

    static let idempotent: Set<String> = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]

    /// The wait before the next attempt; nothing when there is none.
    func delay(after attempt: Int, _ method: String, _ reply: APIReply?) -> Duration? {
        guard attempt < nAttemptsMax, RetryPolicy.idempotent.contains(method) else { return nil }
        var delay = delayMin * (1 << Swift.min(attempt - 1, 16))
        delay = Swift.min(delay, delayMax) * Double.random(in: 0.5...1)
        guard let reply else { return delay }
        guard statuses.contains(reply.status) else { return nil }
        guard let asked = reply.retryAfter else { return delay }
        return asked <= delayMax ? Swift.max(delay, asked) : nil
    }
}

/// A failure that the contract does not describe.
public enum APIError: Error, Sendable {
    /// The reply is not one of HTTP.
    case noHTTP
    /// The address can't be made of the base address and the parameters.
    case badAddress(String)
    /// The contract does not list this status.
    case unexpectedStatus(APIResponse<Data>)
    /// The body does not match the contract.
    case unreadableBody(APIResponse<Data>, reason: String)
}

/// A status that the contract lists as an error, with its typed body.
public struct APIStatusError<Body: Sendable>: Error, Sendable {
    public let response: APIResponse<Body>

    public var status: Int { response.status }
    public var body: Body { response.body }
}

/// A reply with its body as the contract types it.
public struct APIResponse<Body: Sendable>: Sendable {
    public let status: Int
    /// The header fields; names in lower case.
    public let headers: [String: String]
    public let body: Body

    public init(status: Int, headers: [String: String], body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The target of a `Link` header field (RFC 8288).
    public func link(_ relation: String) -> String? {
        for part in (headers["link"] ?? "").components(separatedBy: ",") {
            let fields = part.components(separatedBy: ";").map { $0.trimmingCharacters(in: .whitespaces) }
            guard let target = fields.first, target.hasPrefix("<"), target.hasSuffix(">") else { continue }
            let wanted = ["rel=\"\(relation)\"", "rel=\(relation)"]
            if fields.dropFirst().contains(where: wanted.contains) {
                return String(target.dropFirst().dropLast())
            }
        }
        return nil
    }
}

/// A file in a form.
public struct APIFile: Sendable, Hashable {
    public var name: String
    public var mediaType: String
    public var data: Data

    public init(name: String = "file", mediaType: String = "application/octet-stream", data: Data) {
        self.name = name
        self.mediaType = mediaType
        self.data = data
    }
}

/// A transport that sends requests: `URLSession`, or one of a test.
public protocol APITransport: Sendable {
    func send(_ request: URLRequest) async throws -> (Data, URLResponse)
    func stream(_ request: URLRequest) async throws -> (AsyncThrowingStream<Data, any Error>, URLResponse)
}

extension URLSession: APITransport {
    public func send(_ request: URLRequest) async throws -> (Data, URLResponse) {
        try await data(for: request)
    }

    public func stream(
        _ request: URLRequest
    ) async throws -> (AsyncThrowingStream<Data, any Error>, URLResponse) {
        let receiver = StreamReceiver()
        let session = URLSession(configuration: configuration, delegate: receiver, delegateQueue: nil)
        let task = session.dataTask(with: request)
        let (chunks, continuation) = AsyncThrowingStream<Data, any Error>.makeStream()
        continuation.onTermination = { _ in session.invalidateAndCancel() }
        receiver.chunks = continuation
        let response = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiting in
                receiver.start(waiting)
                task.resume()
            }
        } onCancel: {
            task.cancel()
        }
        return (chunks, response)
    }
}

/// Hands the parts of a body on as they come.
private final class StreamReceiver: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let lock = NSLock()
    private var waiting: CheckedContinuation<URLResponse, any Error>?
    var chunks: AsyncThrowingStream<Data, any Error>.Continuation?

    func start(_ continuation: CheckedContinuation<URLResponse, any Error>) {
        lock.withLock { waiting = continuation }
    }

    private func take() -> CheckedContinuation<URLResponse, any Error>? {
        lock.withLock {
            defer { waiting = nil }
            return waiting
        }
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        take()?.resume(returning: response)
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        chunks?.yield(data)
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        take()?.resume(throwing: error ?? URLError(.badServerResponse))
        chunks?.finish(throwing: error)
        session.finishTasksAndInvalidate()
    }
}

/// A reply before its body is read.
struct APIReply: Sendable {
    let status: Int
    let headers: [String: String]
    let data: Data
    var chunks: AsyncThrowingStream<Data, any Error>?

    init(_ data: Data, _ response: URLResponse) throws {
        guard let response = response as? HTTPURLResponse else { throw APIError.noHTTP }
        status = response.statusCode
        self.data = data
        var headers: [String: String] = [:]
        for (name, value) in response.allHeaderFields {
            headers["\(name)".lowercased()] = "\(value)"
        }
        self.headers = headers
    }

    func with<Body>(_ body: Body) -> APIResponse<Body> {
        APIResponse(status: status, headers: headers, body: body)
    }

    func json<Body: JSONModel>() throws -> Body {
        do {
            return try Body(jsonData: data)
        } catch let error as JSONError {
            throw APIError.unreadableBody(with(data), reason: error.description)
        }
    }

    func text() -> String { String(decoding: data, as: UTF8.self) }

    func events() -> ServerSentEvents { ServerSentEvents(chunks ?? .one(data)) }

    func unexpected() -> APIError { .unexpectedStatus(with(data)) }

    /// Seconds, or the time until a date of HTTP.
    var retryAfter: Duration? {
        guard let text = headers["retry-after"] else { return nil }
        if let seconds = Int(text.trimmingCharacters(in: .whitespaces)) { return .seconds(seconds) }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = .gmt
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return format.date(from: text).map { .seconds(Swift.max(0, $0.timeIntervalSinceNow)) }
    }
}

extension AsyncThrowingStream where Element: Sendable, Failure == any Error {
    fileprivate static func one(_ element: Element) -> Self {
        Self { continuation in
            continuation.yield(element)
            continuation.finish()
        }
    }
}

extension APIClient {
    /// Sends a request, again where that is allowed and may help.
    func send(_ request: APIRequest) async throws -> APIReply {
        var attempt = 1
        while true {
            var reply: APIReply?
            do {
                let received = try await sendOnce(request)
                if received.status < 400 { return received }
                reply = received
            } catch let error as URLError where error.code != .cancelled {
                guard let delay = retries.delay(after: attempt, request.method, nil) else { throw error }
                try await Task.sleep(for: delay)
            }
            if let reply {
                guard let delay = retries.delay(after: attempt, request.method, reply) else { return reply }
                try await Task.sleep(for: delay)
            }
            attempt += 1
        }
    }

    private func sendOnce(_ request: APIRequest) async throws -> APIReply {
        try Task.checkCancellation()
        let request = try await urlRequest(request)
        let (data, response) = try await transport.send(request)
        return try APIReply(data, response)
    }

    /// Sends a request whose good reply is a stream; others are read to their end.
    func stream(_ request: APIRequest) async throws -> APIReply {
        let request = try await urlRequest(request)
        let (chunks, response) = try await transport.stream(request)
        var reply = try APIReply(Data(), response)
        if (200..<300).contains(reply.status) {
            reply.chunks = chunks
            return reply
        }
        var data = Data()
        for try await chunk in chunks { data += chunk }
        return try APIReply(data, response)
    }

    func urlRequest(_ request: APIRequest) async throws -> URLRequest {
        var request = request
        for (scheme, credential) in request.wanted(credentials) {
            try await request.sign(scheme, credential)
        }
        var urlRequest = URLRequest(url: try request.url(baseURL))
        urlRequest.httpMethod = request.method
        urlRequest.httpBody = request.body
        for (name, value) in headers { urlRequest.setValue(value, forHTTPHeaderField: name) }
        for (name, value) in request.headers { urlRequest.setValue(value, forHTTPHeaderField: name) }
        if !request.cookies.isEmpty {
            urlRequest.setValue(request.cookies.joined(separator: "; "), forHTTPHeaderField: "Cookie")
        }
        try await prepare?(&urlRequest)
        return urlRequest
    }

    /// The pages from a request on, each requested after the one before was consumed.
    func pages<Body>(
        _ first: APIRequest,
        read: @escaping @Sendable (APIReply) throws -> APIResponse<Body>,
        next: @escaping @Sendable (APIRequest, APIResponse<Body>) -> APIRequest?
    ) -> AsyncThrowingStream<APIResponse<Body>, any Error> {
        let pages = PageTurner(first)
        return AsyncThrowingStream {
            guard let request = await pages.request else { return nil }
            let page = try read(try await send(request))
            await pages.turn(to: next(request, page))
            return page
        }
    }
}

/// The start of the next page of a list.
private actor PageTurner {
    var request: APIRequest?

    init(_ request: APIRequest) { self.request = request }

    /// A page that names itself as the next would never end.
    func turn(to next: APIRequest?) { request = next == request ? nil : next }
}

/// One event of `text/event-stream`.
public struct ServerSentEvent: Sendable, Hashable {
    /// `message` when the stream does not name one.
    public var event: String
    public var data: String
    public var id: String?
    /// How long to wait before connecting again.
    public var retry: Duration?

    /// The data as JSON of a type.
    public func json<T: JSONModel>(_ type: T.Type = T.self) throws -> T {
        try T(json: JSONValue(parsing: data))
    }
}

/// The events of a stream; to leave the loop ends the connection.
public struct ServerSentEvents: AsyncSequence, Sendable {
    public typealias Element = ServerSentEvent
    private let chunks: AsyncThrowingStream<Data, any Error>

    init(_ chunks: AsyncThrowingStream<Data, any Error>) { self.chunks = chunks }

    public func makeAsyncIterator() -> Iterator { Iterator(chunks.makeAsyncIterator()) }

    public struct Iterator: AsyncIteratorProtocol {
        private var chunks: AsyncThrowingStream<Data, any Error>.Iterator
        private var parser = ServerSentEventParser()
        private var ready: [ServerSentEvent] = []

        init(_ chunks: AsyncThrowingStream<Data, any Error>.Iterator) { self.chunks = chunks }

        public mutating func next() async throws -> ServerSentEvent? {
            while ready.isEmpty {
                guard let chunk = try await chunks.next() else { return nil }
                ready = parser.take(chunk)
            }
            return ready.removeFirst()
        }
    }
}

/// The grammar of `text/event-stream` (WHATWG HTML, server-sent events).
struct ServerSentEventParser: Sendable {
    private var line: [UInt8] = []
    private var isAfterReturn = false
    private var isStart = true
    private var event = ""
    private var data: [String] = []
    private var id: String?
    private var retry: Duration?

    mutating func take(_ chunk: Data) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in chunk {
            let isSecondHalf = isAfterReturn && byte == 0x0a
            isAfterReturn = byte == 0x0d
            if isSecondHalf { continue }
            guard byte == 0x0a || byte == 0x0d else {
                line.append(byte)
                continue
            }
            if let event = end() { events.append(event) }
        }
        return events
    }

    private mutating func end() -> ServerSentEvent? {
        if isStart, line.starts(with: [0xef, 0xbb, 0xbf]) { line.removeFirst(3) }
        isStart = false
        let text = String(decoding: line, as: UTF8.self)
        line.removeAll(keepingCapacity: true)
        if text.isEmpty {
            defer { (event, data) = ("", []) }
            if data.isEmpty { return nil }
            return ServerSentEvent(
                event: event.isEmpty ? "message" : event, data: data.joined(separator: "\n"), id: id,
                retry: retry)
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count > 1 ? String(parts[1]) : ""
        if value.hasPrefix(" ") { value.removeFirst() }
        switch parts[0] {
        case "event": event = value
        case "data": data.append(value)
        case "id": id = value
        case "retry": retry = Int(value).map { .milliseconds($0) } ?? retry
        default: break
        }
        return nil
    }
}
