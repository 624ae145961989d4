import Foundation

/// One thing that is not as the contract says.
public struct Violation: Error, Sendable, Hashable {
    /// A JSON Pointer (RFC 6901) to the value; empty for the whole.
    public let path: String
    /// What is wrong: lower case, no full stop.
    public let message: String

    public init(path: String, message: String) {
        self.path = path
        self.message = message
    }
}

/// Any JSON value. Numbers keep up to 38 digits.
public enum JSONValue: Codable, Sendable, Hashable {
    case null
    case bool(Bool)
    case number(Decimal)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode(Decimal.self) {
            self = .number(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    var kind: String {
        switch self {
        case .null: return "null"
        case .bool: return "boolean"
        case .number: return "number"
        case .string: return "string"
        case .array: return "array"
        case .object: return "object"
        }
    }

    var entries: [String: JSONValue] {
        if case .object(let entries) = self { return entries }
        return [:]
    }

    var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    static func parse(_ text: String) -> JSONValue {
        let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        return value ?? .null
    }
}

/// A value behind a reference, for types that hold themselves.
public indirect enum Boxed<Value: Codable & Sendable & Hashable>: Codable, Sendable, Hashable {
    case some(Value)

    public init(_ value: Value) {
        self = .some(value)
    }

    public var value: Value {
        switch self {
        case .some(let value): return value
        }
    }

    public init(from decoder: any Decoder) throws {
        self = .some(try Value(from: decoder))
    }

    public func encode(to encoder: any Encoder) throws {
        try value.encode(to: encoder)
    }
}

/// A property name that is known only when it is read.
struct WireKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
}

typealias WireReader = KeyedDecodingContainer<WireKey>

/// What a value must look like to be a variant.
struct WireGuard: Sendable {
    var kinds: [String] = []
    var tags: [(String, [String])] = []
    var keys: [String] = []
    var known: [String]? = nil
    var strings: [String]? = nil

    func passes(_ value: JSONValue) -> Bool {
        let entries = value.entries
        if !kinds.isEmpty && !kinds.contains(value.kind) { return false }
        for (name, values) in tags {
            guard let text = entries[name]?.text, values.contains(text) else { return false }
        }
        for key in keys where entries[key] == nil { return false }
        if let known {
            for key in entries.keys where !known.contains(key) { return false }
        }
        if let strings {
            guard let text = value.text, strings.contains(text) else { return false }
        }
        return true
    }
}

/// What the generated types share.
enum Wire {
    static func required<T: Decodable>(_ reader: WireReader, _ name: String) throws -> T {
        try reader.decode(T.self, forKey: WireKey(name))
    }

    /// Absent is nothing; null is a value of the type, or an error.
    static func optional<T: Decodable>(_ reader: WireReader, _ name: String) throws -> T? {
        let key = WireKey(name)
        guard reader.contains(key) else { return nil }
        return .some(try reader.decode(T.self, forKey: key))
    }

    static func constant(_ reader: WireReader, _ name: String, _ want: JSONValue) throws {
        let key = WireKey(name)
        let value = try reader.decode(JSONValue.self, forKey: key)
        if value != want {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: reader, debugDescription: "is not the value of the contract")
        }
    }

    static func rest<T: Decodable>(_ reader: WireReader, _ known: [String]) throws -> [String: T] {
        var rest: [String: T] = [:]
        for key in reader.allKeys where !known.contains(key.stringValue) {
            rest[key.stringValue] = try reader.decode(T.self, forKey: key)
        }
        return rest
    }

    static func refuseRest(_ reader: WireReader, _ known: [String]) throws {
        for key in reader.allKeys where !known.contains(key.stringValue) {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: reader, debugDescription: "is not a known field")
        }
    }

    static func single<T: Decodable>(_ decoder: any Decoder) throws -> T {
        try decoder.singleValueContainer().decode(T.self)
    }

    static func field(_ path: String, _ name: String) -> String {
        let escaped = name.split(separator: "~", omittingEmptySubsequences: false)
            .joined(separator: "~0")
            .split(separator: "/", omittingEmptySubsequences: false)
            .joined(separator: "~1")
        return path + "/" + escaped
    }

    static func checkSize(
        _ size: Int, min: Int?, max: Int?, _ path: String, _ violations: inout [Violation]
    ) {
        if let min, size < min {
            violations.append(Violation(path: path, message: "has size \(size), less than \(min)"))
        }
        if let max, size > max {
            violations.append(Violation(path: path, message: "has size \(size), more than \(max)"))
        }
    }

    static func checkNumber(
        _ number: Double, min: Double?, max: Double?, isMinExclusive: Bool, isMaxExclusive: Bool,
        multipleOf: Double?, _ path: String, _ violations: inout [Violation]
    ) {
        if let min, number < min || (isMinExclusive && number == min) {
            violations.append(Violation(path: path, message: "is \(number), below \(min)"))
        }
        if let max, number > max || (isMaxExclusive && number == max) {
            violations.append(Violation(path: path, message: "is \(number), above \(max)"))
        }
        if let multipleOf {
            let quotient = number / multipleOf
            // The tolerance covers the rounding of decimal fractions such as 0.1.
            if abs(quotient - quotient.rounded()) > 1e-9 * Swift.max(1, abs(quotient)) {
                let message = "is \(number), not a multiple of \(multipleOf)"
                violations.append(Violation(path: path, message: message))
            }
        }
    }

    static func checkUnique<T: Hashable>(
        _ items: [T], _ path: String, _ violations: inout [Violation]
    ) {
        if Set(items).count < items.count {
            violations.append(Violation(path: path, message: "has an item twice"))
        }
    }

    static func unknown(_ path: String, _ violations: inout [Violation]) {
        violations.append(Violation(path: path, message: "is not a value of the contract"))
    }
}
