import Foundation

/// The conversions and checks of every generated type: from JSON, to JSON, `validate`.
///
/// `init(jsonData:)` and `jsonData()` keep every digit of every number. The types are `Codable`
/// too, for existing coders; `JSONDecoder` keeps 38 digits.
public protocol JSONModel: Codable, Sendable, Hashable {
    init(json: JSONValue) throws
    var json: JSONValue { get }
    func check(_ checker: inout JSONChecker)
}

extension JSONModel {
    public init(jsonData: Data) throws {
        try self.init(json: JSONValue(jsonData: jsonData))
    }

    public func jsonData() -> Data {
        Data(json.jsonText().utf8)
    }

    public init(from decoder: any Decoder) throws {
        self = try JSONCoding.decode(from: decoder)
    }

    public func encode(to encoder: any Encoder) throws {
        try json.encode(to: encoder)
    }

    public func check(_ checker: inout JSONChecker) {}

    /// All violations of the contract: bounds, known values, formats.
    public func validate(in direction: JSONDirection? = nil) -> [Violation] {
        var checker = JSONChecker(direction: direction)
        check(&checker)
        return checker.violations
    }
}

/// Models for coders of `Codable`.
enum JSONCoding {
    static func decode<T: JSONModel>(from decoder: any Decoder) throws -> T {
        do {
            return try T(json: JSONValue(from: decoder))
        } catch let error as JSONError {
            let context = DecodingError.Context(
                codingPath: decoder.codingPath, debugDescription: error.description)
            throw DecodingError.dataCorrupted(context)
        }
    }
}

/// An open set of strings: those that the contract lists are static members, others survive.
public protocol OpenEnum: JSONModel, CaseIterable, RawRepresentable, CustomStringConvertible
where RawValue == String {
    init(rawValue: String)
}

extension OpenEnum {
    /// Whether the contract lists the value.
    public var isKnown: Bool { Self.allCases.contains(self) }

    public var description: String { rawValue }

    public init(json: JSONValue) throws { self.init(rawValue: try String(json: json)) }
    public var json: JSONValue { .string(rawValue) }

    // `RawRepresentable` brings coding of its own, so that one of the two must be named.
    public init(from decoder: any Decoder) throws { self = try JSONCoding.decode(from: decoder) }
    public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }

    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

    public static func == (one: Self, other: Self) -> Bool {
        one.rawValue.utf8.elementsEqual(other.rawValue.utf8)
    }

    public func check(_ checker: inout JSONChecker) {
        if !isKnown { checker.fail("is not a value of the contract") }
    }
}

/// A property behind a reference: its type is wide, or holds this one again.
@propertyWrapper
public indirect enum Boxed<Value: Sendable & Hashable>: Sendable, Hashable {
    case value(Value)

    public init(wrappedValue: Value) { self = .value(wrappedValue) }

    public var wrappedValue: Value {
        get {
            switch self {
            case .value(let value): value
            }
        }
        set { self = .value(newValue) }
    }
}

/// An optional property behind a reference, one word while it is absent.
@propertyWrapper
public indirect enum BoxedOptional<Value: Sendable & Hashable>: Sendable, Hashable {
    case absent
    case present(Value)

    public init(wrappedValue: Value?) {
        if let value = wrappedValue { self = .present(value) } else { self = .absent }
    }

    public var wrappedValue: Value? {
        get {
            switch self {
            case .absent: nil
            case .present(let value): value
            }
        }
        set { self = BoxedOptional(wrappedValue: newValue) }
    }
}

/// Takes an object apart, property by property.
struct JSONReader {
    private var entries: [String: JSONValue]

    init(_ json: JSONValue) throws {
        guard case .object(let entries) = json else { throw JSONError("is not an object") }
        self.entries = entries
    }

    mutating func required<T: JSONModel>(_ key: String) throws -> T {
        guard let value = entries.removeValue(forKey: key) else {
            throw JSONError("is required").under(key)
        }
        return try read(key, value)
    }

    /// Absent is nothing; null is a value of the type, or an error.
    mutating func optional<T: JSONModel>(_ key: String) throws -> T? {
        guard let value = entries.removeValue(forKey: key) else { return nil }
        return .some(try read(key, value))
    }

    mutating func constant(_ key: String, _ want: JSONValue) throws {
        let value: JSONValue = try required(key)
        if value != want { throw JSONError("is not \(want.jsonText())").under(key) }
    }

    func rest<T: JSONModel>() throws -> [String: T] {
        try entries.reduce(into: [:]) { rest, entry in
            // A subscript would treat the null of an optional type for "remove".
            let value: T = try read(entry.key, entry.value)
            rest.updateValue(value, forKey: entry.key)
        }
    }

    func refuseRest() throws {
        if let key = entries.keys.min() { throw JSONError("is not a known property").under(key) }
    }

    private func read<T: JSONModel>(_ key: String, _ value: JSONValue) throws -> T {
        do {
            return try T(json: value)
        } catch let error as JSONError {
            throw error.under(key)
        }
    }
}

/// Puts an object together.
struct JSONWriter {
    private var entries: [String: JSONValue] = [:]

    init() {}

    init(_ extra: [String: some JSONModel]) {
        entries = extra.mapValues { $0.json }
    }

    mutating func put(_ key: String, _ value: some JSONModel) {
        entries[key] = value.json
    }

    mutating func put(_ key: String, ifAny value: (some JSONModel)?) {
        if let value { entries[key] = value.json }
    }

    var json: JSONValue { .object(entries) }
}

/// Picks the variant of a union that a value fits: the first that is valid, else the first that
/// can be read.
struct JSONFit<T: JSONModel> {
    private(set) var value: T?
    private var isValid = false

    mutating func take(_ read: () throws -> T) {
        if isValid { return }
        guard let candidate = try? read() else { return }
        isValid = candidate.validate().isEmpty
        if isValid || value == nil { value = candidate }
    }
}

extension JSONValue {
    func has(_ keys: String...) -> Bool {
        guard case .object(let entries) = self else { return false }
        return keys.allSatisfy { entries[$0] != nil }
    }

    func has(only keys: Set<String>) -> Bool {
        guard case .object(let entries) = self else { return false }
        return entries.keys.allSatisfy(keys.contains)
    }

    func isText(_ texts: String...) -> Bool { isOne(of: texts) }

    /// Whether a property that distinguishes variants is one of the texts.
    func has(_ key: String, _ texts: [String]) -> Bool { self[key]?.isOne(of: texts) ?? false }

    private func isOne(of texts: [String]) -> Bool {
        guard case .string(let text) = self else { return false }
        return texts.contains { $0.utf8.elementsEqual(text.utf8) }
    }
}

extension JSONValue: JSONModel {
    // It throws like those of all other models, so that callers can treat all of them alike.
    public init(json: JSONValue) throws { self = json }
    public var json: JSONValue { self }
}

extension JSONNumber: JSONModel {
    public init(json: JSONValue) throws {
        guard case .number(let number) = json else { throw JSONError("is not a number") }
        self = number
    }

    public var json: JSONValue { .number(self) }
}

extension String: JSONModel {
    public init(json: JSONValue) throws {
        guard case .string(let text) = json else { throw JSONError("is not a string") }
        self = text
    }

    public var json: JSONValue { .string(self) }
}

extension Bool: JSONModel {
    public init(json: JSONValue) throws {
        guard case .bool(let value) = json else { throw JSONError("is not a boolean") }
        self = value
    }

    public var json: JSONValue { .bool(self) }
}

extension Double: JSONModel {
    public init(json: JSONValue) throws {
        guard case .number(let number) = json else { throw JSONError("is not a number") }
        self = number.double
        if !isFinite { throw JSONError("is not in the range of a double") }
    }

    /// What JSON can't express becomes null.
    public var json: JSONValue { isFinite ? .number(JSONNumber(self)) : .null }
}

extension Int: JSONModel {
    public init(json: JSONValue) throws { self = try json.integer() }
    public var json: JSONValue { .number(JSONNumber(self)) }
}

extension UInt64: JSONModel {
    public init(json: JSONValue) throws { self = try json.integer() }
    public var json: JSONValue { .number(JSONNumber(self)) }
}

extension JSONValue {
    fileprivate func integer<T: FixedWidthInteger>() throws -> T {
        guard case .number(let number) = self else { throw JSONError("is not a number") }
        guard let value = number.integer(T.self) else {
            throw JSONError("is not a whole number of \(T.bitWidth) bits")
        }
        return value
    }
}

extension Optional: JSONModel where Wrapped: JSONModel {
    public init(json: JSONValue) throws {
        if case .null = json { self = nil } else { self = try Wrapped(json: json) }
    }

    public var json: JSONValue { self?.json ?? .null }

    public func check(_ checker: inout JSONChecker) { self?.check(&checker) }
}

extension Array: JSONModel where Element: JSONModel {
    public init(json: JSONValue) throws {
        guard case .array(let items) = json else { throw JSONError("is not an array") }
        self = []
        reserveCapacity(items.count)
        for (index, item) in items.enumerated() {
            do {
                append(try Element(json: item))
            } catch let error as JSONError {
                throw error.under("\(index)")
            }
        }
    }

    public var json: JSONValue { .array(map { $0.json }) }

    public func check(_ checker: inout JSONChecker) {
        for (index, item) in enumerated() { checker.field("\(index)", item) }
    }
}

extension Dictionary: JSONModel where Key == String, Value: JSONModel {
    public init(json: JSONValue) throws { self = try JSONReader(json).rest() }
    public var json: JSONValue { .object(mapValues { $0.json }) }

    public func check(_ checker: inout JSONChecker) {
        for key in keys.sorted() { checker.field(key, self[key]) }
    }
}
