import Foundation

/// One violation of the contract.
public struct Violation: Error, Sendable, Hashable, CustomStringConvertible {
    /// A JSON Pointer (RFC 6901) to the value; empty for the whole.
    public let path: String
    /// What is wrong: lower case, no full stop.
    public let message: String

    public init(path: String, message: String) {
        self.path = path
        self.message = message
    }

    public var description: String { path.isEmpty ? message : "`\(path)`: \(message)" }
}

/// In which direction a value is sent; some properties are required in one only.
public enum JSONDirection: Sendable, Hashable {
    case request, response
}

/// A bound of the contract. Numbers and values are JSON text, so that no digit is lost.
public enum JSONBound: Sendable, Hashable {
    /// The smallest number of code points, items or properties.
    case minSize(Int)
    /// The largest number of code points, items or properties.
    case maxSize(Int)
    case min(String)
    case max(String)
    case above(String)
    case below(String)
    case multiple(of: String)
    case whole
    /// An expression of ECMA-262 that must match somewhere.
    case pattern(String)
    case unique
    /// A JSON array of the only values there may be.
    case oneOf(String)
    /// What the type can't express, as a schema of JSON Schema 2020-12.
    case schema(String)
    /// Bounds of each item of an array, or each value of an object.
    case each([JSONBound])
}

/// Walks through a value and notes the violations of the contract.
public struct JSONChecker: Sendable {
    public private(set) var violations: [Violation] = []
    private var path = ""
    private let direction: JSONDirection?

    init(direction: JSONDirection?) { self.direction = direction }

    mutating func fail(_ message: String) {
        violations.append(Violation(path: path, message: message))
    }

    mutating func field<T: JSONModel>(_ key: String, _ value: T, _ bounds: JSONBound...) {
        under(key) { $0.whole(value, bounds) }
    }

    /// A property that is required in one direction only.
    mutating func field<T: JSONModel>(
        _ key: String, in direction: JSONDirection, _ value: T?, _ bounds: JSONBound...
    ) {
        under(key) { checker in
            if value == nil && checker.direction == direction {
                checker.fail("is required in a \(direction)")
            }
            if let value { checker.whole(value, bounds) }
        }
    }

    /// The properties that are not listed.
    mutating func rest<T: JSONModel>(_ extra: [String: T], _ bounds: JSONBound...) {
        for key in extra.keys.sorted() {
            under(key) { checker in
                if let value = extra[key] { checker.whole(value, bounds) }
            }
        }
    }

    mutating func whole<T: JSONModel>(_ value: T, _ bounds: [JSONBound]) {
        value.check(&self)
        if !bounds.isEmpty { apply(bounds, value.json) }
    }

    /// Bounds of a whole object.
    mutating func object(_ json: JSONValue, _ bounds: JSONBound...) {
        apply(bounds, json)
    }

    mutating func under(_ key: String, _ body: (inout JSONChecker) -> Void) {
        let before = path
        path = JSONError.pointer(path, key)
        body(&self)
        path = before
    }

    private mutating func apply(_ bounds: [JSONBound], _ json: JSONValue) {
        if json.isNull { return }
        for bound in bounds {
            switch (bound, json) {
            case (.each(let inner), .array(let items)):
                for (index, item) in items.enumerated() {
                    under("\(index)") { $0.apply(inner, item) }
                }
            case (.each(let inner), .object(let entries)):
                for key in entries.keys.sorted() {
                    under(key) { $0.apply(inner, entries[key] ?? .null) }
                }
            default:
                if let message = JSONChecker.breach(of: bound, by: json) { fail(message) }
            }
        }
    }

    /// The violation of a value; nothing for a bound of another kind of value.
    private static func breach(of bound: JSONBound, by json: JSONValue) -> String? {
        switch (bound, json) {
        case (.minSize(let least), _):
            guard let size = json.size, size < least else { return nil }
            return "has size \(size), less than \(least)"
        case (.maxSize(let most), _):
            guard let size = json.size, size > most else { return nil }
            return "has size \(size), more than \(most)"
        case (.min(let bound), .number(let number)):
            return number.isLess(than: bound) ? "is \(number), less than \(bound)" : nil
        case (.max(let bound), .number(let number)):
            return number.isGreater(than: bound) ? "is \(number), more than \(bound)" : nil
        case (.above(let bound), .number(let number)):
            return number.isGreater(than: bound) ? nil : "is \(number), not more than \(bound)"
        case (.below(let bound), .number(let number)):
            return number.isLess(than: bound) ? nil : "is \(number), not less than \(bound)"
        case (.multiple(let divisor), .number(let number)):
            let isMultiple = JSONDigits(number.text).isMultiple(of: JSONDigits(divisor)) ?? true
            return isMultiple ? nil : "is \(number), not a multiple of \(divisor)"
        case (.whole, .number(let number)):
            return number.isWhole ? nil : "is \(number), not a whole number"
        case (.pattern(let pattern), .string(let text)):
            return JSONPattern.matches(pattern, text) ? nil : "does not match \(pattern)"
        case (.unique, .array(let items)):
            return Set(items).count < items.count ? "has an item twice" : nil
        case (.oneOf(let text), _):
            guard case .array(let values)? = JSONCache.value(text) else { return nil }
            return values.contains(json) ? nil : "is not a value of the contract"
        case (.schema(let text), _):
            guard let schema = JSONCache.value(text) else { return nil }
            return JSONSchema.breach(of: schema, by: json)
        default:
            return nil
        }
    }
}

extension JSONValue {
    /// Code points, items or properties.
    var size: Int? {
        switch self {
        case .string(let text): text.unicodeScalars.count
        case .array(let items): items.count
        case .object(let entries): entries.count
        default: nil
        }
    }
}

extension JSONNumber {
    func isLess(than bound: String) -> Bool {
        JSONDigits.isLess(JSONDigits(text), JSONDigits(bound))
    }

    func isGreater(than bound: String) -> Bool {
        JSONDigits.isLess(JSONDigits(bound), JSONDigits(text))
    }
}

/// Caches what is made from texts of the contract.
enum JSONCache {
    private final class Kept: @unchecked Sendable {
        let lock = NSLock()
        var values: [String: JSONValue] = [:]
        var patterns: [String: NSRegularExpression?] = [:]
    }

    private static let kept = Kept()

    static func value(_ text: String) -> JSONValue? {
        kept.lock.withLock {
            if let value = kept.values[text] { return value }
            let value = try? JSONValue(parsing: text)
            kept.values[text] = value
            return value
        }
    }

    /// A value that the generated code holds as text.
    static func constant(_ text: String) -> JSONValue { value(text) ?? .null }

    static func pattern(_ text: String) -> NSRegularExpression? {
        kept.lock.withLock {
            if let pattern = kept.patterns[text] { return pattern }
            let pattern = try? NSRegularExpression(pattern: JSONPattern.translate(text))
            kept.patterns[text] = .some(pattern)
            return pattern
        }
    }
}

/// Expressions of ECMA-262, run by the expressions of Foundation (ICU).
enum JSONPattern {
    /// Whether the pattern matches somewhere; one that can't be translated matches everything.
    static func matches(_ pattern: String, _ text: String) -> Bool {
        guard let expression = JSONCache.pattern(pattern) else { return true }
        let whole = NSRange(text.startIndex..., in: text)
        return expression.firstMatch(in: text, range: whole) != nil
    }

    /// Whether a text is an expression; those of contracts are kept, those of values are not.
    static func isExpression(_ text: String) -> Bool {
        (try? NSRegularExpression(pattern: translate(text))) != nil
    }

    private static let space = "\\t-\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"

    /// The same expression in ICU's words: its classes are of ASCII, `$` is the very end, and
    /// brackets and operators inside a class are plain characters.
    static func translate(_ pattern: String) -> String {
        var out = ""
        var isClass = false
        var rest = pattern[...]
        while let character = rest.unicodeScalars.first {
            rest.unicodeScalars.removeFirst()
            switch character {
            case "\\":
                guard let letter = rest.unicodeScalars.first else { return out + "\\\\" }
                rest.unicodeScalars.removeFirst()
                out += escape(letter, isClass, &rest)
            case "[" where isClass: out += "\\["
            case "[" where rest.hasPrefix("^]"):
                rest.removeFirst(2)
                out += "[\\s\\S]"
            case "[" where rest.hasPrefix("]"):
                rest.removeFirst()
                out += "(?!)"
            case "[":
                isClass = true
                out += "["
                if rest.hasPrefix("^") {
                    rest.removeFirst()
                    out += "^"
                }
            case "]" where isClass:
                isClass = false
                out += "]"
            case "&" where isClass, "{" where isClass, "}" where isClass, "#" where isClass: out += "\\\(character)"
            case "$" where !isClass: out += "(?![\\s\\S])"
            case "." where !isClass: out += "[^\\n\\r\\u2028\\u2029]"
            case "{" where !isClass && !isQuantifier(rest): out += "\\{"
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }

    private static func isQuantifier(_ rest: Substring) -> Bool {
        guard let end = rest.firstIndex(of: "}") else { return false }
        let body = rest[..<end]
        return body.first?.isASCII == true && body.first?.isNumber == true
            && body.allSatisfy { $0 == "," || ("0"..."9").contains($0) }
    }

    private static func escape(
        _ letter: Unicode.Scalar, _ isClass: Bool, _ rest: inout Substring
    ) -> String {
        switch letter {
        case "d": return isClass ? "0-9" : "[0-9]"
        case "D": return "[^0-9]"
        case "w": return isClass ? "A-Za-z0-9_" : "[A-Za-z0-9_]"
        case "W": return "[^A-Za-z0-9_]"
        case "s": return isClass ? space : "[\(space)]"
        case "S": return "[^\(space)]"
        case "u" where rest.hasPrefix("{"):
            return "\\x"
        case "b", "B", "n", "r", "t", "f", "x", "u", "p", "P", "k", "c": return "\\\(letter)"
        case "v": return "\\u000b"
        case "0": return "\\u0000"
        case "1"..."9": return "\\\(letter)"
        case _ where letter.properties.isAlphabetic: return "\(letter)"
        default: return "\\\(letter)"
        }
    }
}
