import Foundation

/// A message with its payload and metadata.
public struct ChannelMessage<Payload: Sendable & Hashable, Headers: Sendable & Hashable>: Sendable, Hashable {
    public var payload: Payload
    public var headers: Headers
    /// The message's name if the transport reports it.
    public var name: String?

    public init(payload: Payload, headers: Headers, name: String? = nil) {
        self.payload = payload
        self.headers = headers
        self.name = name
    }
}

/// A message as transports carry it.
public struct RawMessage: Sendable, Hashable {
    public var payload: Data
    public var headers: [String: JSONValue]
    public var mediaType: String
    public var name: String?

    public init(
        payload: Data, headers: [String: JSONValue] = [:], mediaType: String = "application/json",
        name: String? = nil
    ) {
        self.payload = payload
        self.headers = headers
        self.mediaType = mediaType
        self.name = name
    }
}

/// A transport of messages: a broker, a WebSocket, or a queue of a test.
public protocol ChannelTransport: Sendable {
    func send(_ message: RawMessage, to address: String) async throws
    func receive(from address: String) async throws -> AsyncThrowingStream<RawMessage, any Error>
}

/// The shared code of the channels.
enum ChannelWire {
    static func send(
        _ payload: some JSONModel, _ headers: (some JSONModel)?, _ name: String, _ mediaType: String,
        to address: String, over transport: some ChannelTransport
    ) async throws {
        var fields: [String: JSONValue] = [:]
        if case .object(let entries)? = headers?.json { fields = entries }
        let message = RawMessage(
            payload: ChannelWire.bytes(payload.json, mediaType), headers: fields, mediaType: mediaType, name: name)
        try await transport.send(message, to: address)
    }

    /// Text that is not JSON stays as it is.
    private static func bytes(_ json: JSONValue, _ mediaType: String) -> Data {
        if let text = json.text, !mediaType.contains("json") { return Data(text.utf8) }
        return json.jsonData()
    }

    static func receive<Payload: JSONModel, Headers: JSONModel>(
        from address: String, over transport: some ChannelTransport
    ) async throws -> AsyncThrowingStream<ChannelMessage<Payload, Headers>, any Error> {
        let messages = try await transport.receive(from: address)
        let (stream, continuation) = AsyncThrowingStream<ChannelMessage<Payload, Headers>, any Error>
            .makeStream()
        let task = Task {
            do {
                for try await message in messages {
                    let isJSON = message.mediaType.contains("json")
                    let text = String(decoding: message.payload, as: UTF8.self)
                    let json: JSONValue = isJSON ? try JSONValue(jsonData: message.payload) : .string(text)
                    continuation.yield(
                        ChannelMessage(
                            payload: try Payload(json: json), headers: try Headers(json: .object(message.headers)),
                            name: message.name))
                }
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    /// A parameter of an address can't bring its own levels.
    static func part(_ text: String) -> String { APIText.encoded(text) }
}

enum APIText {
    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

    static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? text
    }
}

/// The value at a place of a message (a runtime expression such as `$message.header#/id`).
extension ChannelMessage where Payload: JSONModel, Headers: JSONModel {
    func value(at expression: String) -> JSONValue? {
        let parts = expression.components(separatedBy: "#")
        var value: JSONValue? = parts[0].hasSuffix("payload") ? payload.json : headers.json
        for key in (parts.count > 1 ? parts[1] : "").split(separator: "/") {
            let name = key.replacingOccurrences(of: "~1", with: "/").replacingOccurrences(of: "~0", with: "~")
            value = value?[name] ?? Int(name).flatMap { value?[$0] }
        }
        return value
    }
}
