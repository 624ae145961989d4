import Foundation

/// Any JSON value. Numbers keep every digit.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Reads JSON text; `Codable` goes through `JSONDecoder` instead, which rounds long numbers.
    public init(jsonData: Data) throws {
        var parser = JSONParser(bytes: [UInt8](jsonData))
        self = try parser.document()
    }

    /// Reads JSON text.
    public init(parsing text: String) throws {
        var parser = JSONParser(bytes: [UInt8](text.utf8))
        self = try parser.document()
    }

    /// JSON text without spaces, keys in order.
    public func jsonText() -> String {
        var text = ""
        write(to: &text)
        return text
    }

    public subscript(key: String) -> JSONValue? {
        if case .object(let entries) = self { return entries[key] }
        return nil
    }

    public subscript(index: Int) -> JSONValue? {
        if case .array(let items) = self, items.indices.contains(index) { return items[index] }
        return nil
    }

    public var isNull: Bool { if case .null = self { true } else { false } }
    public var isBool: Bool { if case .bool = self { true } else { false } }
    public var isNumber: Bool { if case .number = self { true } else { false } }
    public var isString: Bool { if case .string = self { true } else { false } }
    public var isArray: Bool { if case .array = self { true } else { false } }
    public var isObject: Bool { if case .object = self { true } else { false } }

    public var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let value): text += value.text
        case .string(let value): JSONValue.quote(value, to: &text)
        case .array(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += "," }
                item.write(to: &text)
            }
            text += "]"
        case .object(let entries):
            text += "{"
            for (index, key) in entries.keys.sorted().enumerated() {
                if index > 0 { text += "," }
                JSONValue.quote(key, to: &text)
                text += ":"
                entries[key]?.write(to: &text)
            }
            text += "}"
        }
    }

    private static func quote(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByNilLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    public init(floatLiteral value: Double) { self = .number(JSONNumber(value)) }
    public init(nilLiteral: ()) { self = .null }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .number(JSONNumber(value))
        } else if let value = try? container.decode(UInt64.self) {
            self = .number(JSONNumber(value))
        } else if let value = try? container.decode(Decimal.self) {
            self = .number(JSONNumber(value))
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
        case .number(let value): try value.encode(to: encoder)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// A number as it was written. Equal by value: `1.0` is `1`.
public struct JSONNumber: Sendable, Hashable, Codable, CustomStringConvertible,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral
{
    /// The number in the grammar of JSON.
    public let text: String

    /// A number from its text; nothing when it is not one of JSON.
    public init?(_ text: String) {
        var parser = JSONParser(bytes: [UInt8](text.utf8))
        guard case .number(let number)? = try? parser.document() else { return nil }
        self = number
    }

    init(unchecked text: String) { self.text = text }

    public init(_ value: some BinaryInteger) { text = "\(value)" }

    public init(_ value: Decimal) { text = "\(value)" }

    /// The shortest text that reads back as the same number; zero for what JSON can't express.
    public init(_ value: Double) {
        if !value.isFinite {
            text = "0"
        } else if let whole = Int(exactly: value), whole.magnitude < 1 << 53 {
            text = "\(whole)"
        } else {
            text = "\(value)"
        }
    }

    public init(integerLiteral value: Int) { self.init(value) }
    public init(floatLiteral value: Double) { self.init(value) }

    public init(from decoder: any Decoder) throws {
        guard case .number(let number) = try JSONValue(from: decoder) else {
            throw JSONError("is not a number")
        }
        self = number
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let value = integer(Int64.self) {
            try container.encode(value)
        } else if let value = integer(UInt64.self) {
            try container.encode(value)
        } else {
            try container.encode(decimal ?? Decimal(double))
        }
    }

    public var description: String { text }
    public var double: Double { Double(text) ?? .nan }
    public var decimal: Decimal? { Decimal(string: text) }

    /// The number when it is whole and fits, also when it is written `1.0` or `1e3`.
    public func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T? {
        if let value = T(text) { return value }
        let parts = JSONDigits(text)
        guard parts.exponent >= 0, parts.digits.count + parts.exponent <= 40 else { return nil }
        let digits = parts.digits.map { String($0) }.joined()
        return T((parts.isNegative ? "-" : "") + digits + String(repeating: "0", count: parts.exponent))
    }

    public var isWhole: Bool { JSONDigits(text).exponent >= 0 }

    public static func == (one: JSONNumber, other: JSONNumber) -> Bool {
        one.text == other.text || JSONDigits(one.text) == JSONDigits(other.text)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(JSONDigits(text)) }
}

/// A decimal number of any size: its digits without zeros at either end, times a power of ten.
struct JSONDigits: Hashable {
    var isNegative = false
    var digits: [UInt8] = []
    var exponent = 0

    init(_ text: String) {
        var isFraction = false
        var bytes = text.utf8.makeIterator()
        while let byte = bytes.next() {
            switch byte {
            case 0x2d: isNegative = true
            case 0x2e: isFraction = true
            case 0x30...0x39:
                digits.append(byte - 0x30)
                if isFraction { exponent -= 1 }
            case 0x45, 0x65:
                var rest = ""
                while let digit = bytes.next() { rest.unicodeScalars.append(Unicode.Scalar(digit)) }
                let limit = 1 << 32
                let power = Int(rest) ?? (rest.hasPrefix("-") ? -limit : limit)
                exponent += Swift.max(-limit, Swift.min(limit, power))
            default: break
            }
        }
        let zeros = digits.prefix { $0 == 0 }.count
        digits.removeFirst(zeros)
        while digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
        if digits.isEmpty { (isNegative, exponent) = (false, 0) }
    }

    static func isLess(_ one: JSONDigits, _ other: JSONDigits) -> Bool {
        if one.isNegative != other.isNegative { return one.isNegative }
        return one.isNegative ? isSmaller(other, one) : isSmaller(one, other)
    }

    private static func isSmaller(_ one: JSONDigits, _ other: JSONDigits) -> Bool {
        if one.digits.isEmpty || other.digits.isEmpty {
            return one.digits.isEmpty && !other.digits.isEmpty
        }
        let (top, otherTop) = (one.digits.count + one.exponent, other.digits.count + other.exponent)
        if top != otherTop { return top < otherTop }
        return one.digits.lexicographicallyPrecedes(other.digits)
    }

    /// Whether the number is a whole multiple of the divisor; nothing when that takes too long.
    func isMultiple(of divisor: JSONDigits) -> Bool? {
        if digits.isEmpty { return true }
        if divisor.digits.isEmpty { return nil }
        let shift = exponent - divisor.exponent
        let zeros = abs(shift)
        guard zeros < 2_000 else { return nil }
        let padding = [UInt8](repeating: 0, count: zeros)
        let dividend = shift > 0 ? digits + padding : digits
        let unit = shift < 0 ? divisor.digits + padding : divisor.digits
        var rest: [UInt8] = []
        for digit in dividend {
            if !rest.isEmpty || digit != 0 { rest.append(digit) }
            while JSONDigits.subtract(unit, from: &rest) {}
        }
        return rest.isEmpty
    }

    /// Subtracts when that does not go below zero.
    private static func subtract(_ unit: [UInt8], from rest: inout [UInt8]) -> Bool {
        if rest.count < unit.count { return false }
        if rest.count == unit.count && rest.lexicographicallyPrecedes(unit) { return false }
        var borrow = 0
        for index in 1...rest.count {
            let place = rest.count - index
            let own = index <= unit.count ? Int(unit[unit.count - index]) : 0
            var digit = Int(rest[place]) - own - borrow
            borrow = digit < 0 ? 1 : 0
            if digit < 0 { digit += 10 }
            rest[place] = UInt8(digit)
        }
        rest.removeFirst(rest.prefix { $0 == 0 }.count)
        return true
    }
}

/// Why JSON could not be read as a type.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A JSON Pointer (RFC 6901) to the value; empty for the whole.
    public var path: String
    /// What is wrong: lower case, no full stop.
    public var message: String

    public init(_ message: String, path: String = "") {
        self.message = message
        self.path = path
    }

    public var description: String { path.isEmpty ? message : "`\(path)`: \(message)" }

    /// The same error with a path from one level above.
    func under(_ key: String) -> JSONError {
        JSONError(message, path: JSONError.pointer("", key) + path)
    }

    static func pointer(_ path: String, _ key: String) -> String {
        guard key.utf8.contains(where: { $0 == 0x7e || $0 == 0x2f }) else { return path + "/" + key }
        return path + "/"
            + key.replacingOccurrences(of: "~", with: "~0").replacingOccurrences(of: "/", with: "~1")
    }
}

/// Reads JSON text (RFC 8259) without rounding its numbers.
struct JSONParser {
    let bytes: [UInt8]
    private var at = 0
    private var depth = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws -> JSONValue {
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { at = 3 }
        let value = try value()
        skipSpace()
        if at < bytes.count { throw fail("has text after its end") }
        return value
    }

    private func fail(_ message: String) -> JSONError {
        JSONError("\(message), at byte \(at)")
    }

    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { at += 1 }
    }

    private mutating func take(_ wanted: UInt8) -> Bool {
        skipSpace()
        guard byte == wanted else { return false }
        at += 1
        return true
    }

    private mutating func value() throws -> JSONValue {
        skipSpace()
        switch byte {
        case 0x7b: return try object()
        case 0x5b: return try array()
        case 0x22: return .string(try string())
        case 0x74: return try word("true", .bool(true))
        case 0x66: return try word("false", .bool(false))
        case 0x6e: return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func word(_ text: String, _ value: JSONValue) throws -> JSONValue {
        guard bytes[at...].starts(with: text.utf8) else { throw fail("is not JSON") }
        at += text.utf8.count
        return value
    }

    /// Deeper text would end the stack before its memory.
    private mutating func enter() throws {
        at += 1
        depth += 1
        if depth > 512 { throw fail("is nested more than 512 levels deep") }
    }

    private mutating func object() throws -> JSONValue {
        try enter()
        var entries: [String: JSONValue] = [:]
        if !take(0x7d) {
            repeat {
                skipSpace()
                let key = try string()
                if !take(0x3a) { throw fail("lacks a `:`") }
                entries[key] = try value()
            } while take(0x2c)
            if !take(0x7d) { throw fail("lacks a `}`") }
        }
        depth -= 1
        return .object(entries)
    }

    private mutating func array() throws -> JSONValue {
        try enter()
        var items: [JSONValue] = []
        if !take(0x5d) {
            repeat { items.append(try value()) } while take(0x2c)
            if !take(0x5d) { throw fail("lacks a `]`") }
        }
        depth -= 1
        return .array(items)
    }

    private mutating func number() throws -> JSONNumber {
        let start = at
        if byte == 0x2d { at += 1 }
        if byte == 0x30 { at += 1 } else { try digits() }
        if byte == 0x2e {
            at += 1
            try digits()
        }
        if byte == 0x45 || byte == 0x65 {
            at += 1
            if byte == 0x2b || byte == 0x2d { at += 1 }
            try digits()
        }
        return JSONNumber(unchecked: String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private mutating func digits() throws {
        let start = at
        while let byte, (0x30...0x39).contains(byte) { at += 1 }
        if at == start { throw fail("is not JSON") }
    }

    private mutating func string() throws -> String {
        guard byte == 0x22 else { throw fail("lacks a string") }
        at += 1
        var start = at
        var text = ""
        while let byte, byte != 0x22 {
            if byte < 0x20 { throw fail("has a control character in a string") }
            if byte != 0x5c {
                at += 1
                continue
            }
            text += try utf8(start)
            at += 1
            text.unicodeScalars.append(try escape())
            start = at
        }
        if byte == nil { throw fail("has a string without an end") }
        let tail = try utf8(start)
        at += 1
        return text.isEmpty ? tail : text + tail
    }

    private func utf8(_ start: Int) throws -> String {
        guard let text = String(validating: bytes[start..<at], as: UTF8.self) else {
            throw fail("is not UTF-8")
        }
        return text
    }

    private mutating func escape() throws -> Unicode.Scalar {
        guard let byte else { throw fail("has a string without an end") }
        at += 1
        switch byte {
        case 0x22, 0x5c, 0x2f: return Unicode.Scalar(byte)
        case 0x62: return "\u{8}"
        case 0x66: return "\u{c}"
        case 0x6e: return "\n"
        case 0x72: return "\r"
        case 0x74: return "\t"
        case 0x75: break
        default: throw fail("has an unknown escape")
        }
        let high = try hexadecimal()
        guard (0xd800..<0xdc00).contains(high) else {
            return Unicode.Scalar(high) ?? "\u{fffd}"
        }
        guard bytes[at...].starts(with: [0x5c, 0x75]) else { return "\u{fffd}" }
        let before = at
        at += 2
        let low = try hexadecimal()
        guard (0xdc00..<0xe000).contains(low) else {
            at = before
            return "\u{fffd}"
        }
        return Unicode.Scalar(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)) ?? "\u{fffd}"
    }

    private mutating func hexadecimal() throws -> UInt32 {
        let end = at + 4
        guard end <= bytes.count else { throw fail("has an unknown escape") }
        guard let value = UInt32(String(decoding: bytes[at..<end], as: UTF8.self), radix: 16) else {
            throw fail("has an unknown escape")
        }
        at = end
        return value
    }
}
