import Foundation

/// A string with a format: the text as it was sent. Its meaning is read on demand, so that
/// nothing is lost on the way; `validate` reports text that is not of the format.
public protocol FormattedText: JSONModel, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name of the format in the reports of `validate`.
    static var formatName: String { get }
    var text: String { get }
    var isWellFormed: Bool { get }
    init(_ text: String)
}

extension FormattedText {
    public init(stringLiteral text: String) { self.init(text) }
    public init(json: JSONValue) throws { self.init(try String(json: json)) }
    public var json: JSONValue { .string(text) }
    public var description: String { text }

    public func check(_ checker: inout JSONChecker) {
        if !isWellFormed { checker.fail("is not \(Self.formatName)") }
    }
}

/// A date and time with offset (RFC 3339), such as `2026-01-31T12:00:00Z`.
public struct DateTimeText: FormattedText {
    public static let formatName = "a date-time of RFC 3339"
    public let text: String

    public init(_ text: String) { self.text = text }

    /// The moment in UTC, with milliseconds where it has them.
    public init(_ date: Date) {
        let time = date.timeIntervalSince1970
        let isWhole = time == time.rounded()
        text = date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: !isWhole))
    }

    /// The moment it names; nothing when the text is not of the format.
    public var date: Date? {
        guard let (day, time) = parts, let start = DateText(day).date else { return nil }
        return TimeText(time).secondsUTC.map { start.addingTimeInterval($0) }
    }

    private var parts: (String, String)? {
        guard text.utf8.count > 11 else { return nil }
        let middle = text.utf8.index(text.startIndex, offsetBy: 10)
        guard "Tt ".utf8.contains(text.utf8[middle]) else { return nil }
        let after = text.utf8.index(after: middle)
        guard let day = String(text.utf8[..<middle]), let time = String(text.utf8[after...]) else {
            return nil
        }
        return (day, time)
    }

    public var isWellFormed: Bool {
        guard let (day, time) = parts else { return false }
        return DateText(day).isWellFormed && TimeText(time).isWellFormed
    }
}

/// A date (RFC 3339), such as `2026-01-31`.
public struct DateText: FormattedText {
    public static let formatName = "a date of RFC 3339"
    public let text: String

    public init(_ text: String) { self.text = text }

    /// Year, month and day; nothing when the text is not of the format.
    public var components: DateComponents? {
        guard let fields = text.fields("dddd-dd-dd"), let (year, month, day) = triple(fields) else {
            return nil
        }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...12).contains(month), (1...days[month - 1]).contains(day) else { return nil }
        return DateComponents(year: year, month: month, day: day)
    }

    /// Midnight in UTC.
    public var date: Date? {
        guard let components else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.date(from: components)
    }

    public var isWellFormed: Bool { components != nil }
}

/// A time with offset (RFC 3339), such as `12:00:00Z`.
public struct TimeText: FormattedText {
    public static let formatName = "a time of RFC 3339"
    public let text: String

    public init(_ text: String) { self.text = text }

    /// Seconds since midnight in UTC, which may be the day before or after.
    public var secondsUTC: TimeInterval? {
        guard let clock = text.prefixBytes(8), let fields = clock.fields("dd:dd:dd"),
            let (hour, minute, second) = triple(fields), hour < 24, minute < 60, second < 61
        else { return nil }
        var rest = text.utf8.dropFirst(8)
        var fraction = 0.0
        if rest.first == 0x2e {
            let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty, let value = Double("0." + String(decoding: digits, as: UTF8.self)) else {
                return nil
            }
            fraction = value
            rest = rest.dropFirst(1 + digits.count)
        }
        let zone = String(decoding: rest, as: UTF8.self)
        let seconds = Double(hour * 3600 + minute * 60 + second) + fraction
        if zone == "Z" || zone == "z" { return seconds }
        guard let sign = zone.first, sign == "+" || sign == "-",
            let offset = String(zone.dropFirst()).fields("dd:dd"), offset[0] < 24, offset[1] < 60
        else { return nil }
        let shift = Double(offset[0] * 3600 + offset[1] * 60)
        return seconds - (sign == "+" ? shift : -shift)
    }

    public var isWellFormed: Bool { secondsUTC != nil }
}

/// A duration (ISO 8601), such as `P1DT12H`.
public struct DurationText: FormattedText {
    public static let formatName = "a duration of ISO 8601"
    public let text: String

    public init(_ text: String) { self.text = text }

    public init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = attoseconds / 1_000_000_000
        let digits = String(nanoseconds.magnitude)
        let fraction = nanoseconds == 0 ? "" : "." + String(repeating: "0", count: 9 - digits.count) + digits
        text = (duration < .zero ? "-" : "") + "PT\(seconds.magnitude)\(fraction)S"
    }

    /// The length; nothing when years or months make it depend on a calendar.
    public var duration: Duration? {
        guard let parts else { return nil }
        var seconds = 0.0
        for (value, unit) in parts {
            switch unit {
            case "W": seconds += value * 604_800
            case "D": seconds += value * 86_400
            case "H": seconds += value * 3_600
            case "tM": seconds += value * 60
            case "S": seconds += value
            default: return nil
            }
        }
        return .seconds(text.hasPrefix("-") ? -seconds : seconds)
    }

    private var parts: [(Double, String)]? {
        var rest = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        guard rest.first == "P" else { return nil }
        rest = rest.dropFirst()
        var order = ["Y", "M", "W", "D"][...]
        var parts: [(Double, String)] = []
        var isTime = false
        while let first = rest.first {
            if first == "T" && !isTime {
                isTime = true
                order = ["tH", "tM", "tS"][...]
                rest = rest.dropFirst()
                if rest.isEmpty { return nil }
                continue
            }
            let digits = rest.prefix { ("0"..."9").contains($0) || $0 == "." || $0 == "," }
            rest = rest.dropFirst(digits.count)
            guard let value = Double(digits.replacingOccurrences(of: ",", with: ".")),
                let letter = rest.first
            else { return nil }
            let unit = isTime ? "t\(letter)" : "\(letter)"
            guard let place = order.firstIndex(of: unit) else { return nil }
            order = order[(place + 1)...]
            rest = rest.dropFirst()
            parts.append((value, unit == "tM" ? unit : "\(letter)"))
        }
        return parts.isEmpty ? nil : parts
    }

    public var isWellFormed: Bool { parts != nil }
}

/// A UUID (RFC 9562), in any case.
public struct UUIDText: FormattedText {
    public static let formatName = "a UUID"
    public let text: String

    public init(_ text: String) { self.text = text }
    public init(_ uuid: UUID) { text = uuid.uuidString.lowercased() }

    public var uuid: UUID? { UUID(uuidString: text) }
    public var isWellFormed: Bool { uuid != nil }
}

/// A URI (RFC 3986) or IRI, absolute.
public struct URIText: FormattedText {
    public static let formatName = "an absolute URI"
    public let text: String

    public init(_ text: String) { self.text = text }
    public init(_ url: URL) { text = url.absoluteString }

    public var url: URL? { URL(string: text) }

    public var isWellFormed: Bool {
        guard let colon = text.utf8.firstIndex(of: 0x3a) else { return false }
        let scheme = text.utf8[..<colon]
        return scheme.first.map(isLetter) == true && scheme.allSatisfy(isSchemeByte)
            && URIReferenceText(text).isWellFormed
    }

    private func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }

    private func isSchemeByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || (0x30...0x39).contains(byte) || "+-.".utf8.contains(byte)
    }
}

/// A URI or IRI, absolute or relative.
public struct URIReferenceText: FormattedText {
    public static let formatName = "a URI reference"
    public let text: String

    public init(_ text: String) { self.text = text }
    public init(_ url: URL) { text = url.relativeString }

    public var url: URL? { URL(string: text) }

    public var isWellFormed: Bool {
        text.unicodeScalars.allSatisfy { $0.value > 0x20 && !"<>\"\\^`{|}\u{7f}".unicodeScalars.contains($0) }
    }
}

/// Bytes in base64 (RFC 4648).
public struct Base64Text: FormattedText {
    public static let formatName = "base64"
    public let text: String

    public init(_ text: String) { self.text = text }
    public init(_ data: Data) { text = data.base64EncodedString() }

    /// The bytes; the alphabet for addresses, missing padding and line ends are accepted.
    public var data: Data? {
        var plain = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        plain.removeAll { $0.isWhitespace }
        let missing = (4 - plain.utf8.count % 4) % 4
        if missing < 3 { plain += String(repeating: "=", count: missing) }
        return Data(base64Encoded: plain)
    }

    public var isWellFormed: Bool { data != nil }
}

/// A decimal number as text: no digit is lost.
public struct DecimalText: FormattedText {
    public static let formatName = "a decimal number"
    public let text: String

    public init(_ text: String) { self.text = text }
    public init(_ decimal: Decimal) { text = "\(decimal)" }

    /// The number, rounded to 38 digits.
    public var decimal: Decimal? { isWellFormed ? Decimal(string: text) : nil }

    public var isWellFormed: Bool {
        let digits = text.hasPrefix("+") || text.hasPrefix("-") ? String(text.dropFirst()) : text
        return Double(digits) != nil && digits.utf8.first.map { (0x2e...0x39).contains($0) } == true
    }
}

/// An address of electronic mail.
public struct EmailText: FormattedText {
    public static let formatName = "an email address"
    public let text: String

    public init(_ text: String) { self.text = text }

    public var isWellFormed: Bool {
        guard let at = text.lastIndex(of: "@") else { return false }
        let (local, host) = (text[..<at], text[text.index(after: at)...])
        return !local.isEmpty && !host.isEmpty && !text.contains { $0.isWhitespace && !local.hasPrefix("\"") }
    }
}

/// A host name (RFC 1123), also an internationalised one.
public struct HostnameText: FormattedText {
    public static let formatName = "a host name"
    public let text: String

    public init(_ text: String) { self.text = text }

    public var isWellFormed: Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253
            && labels.allSatisfy { label in
                !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
            }
    }
}

/// An address of IP version 4.
public struct IPv4Text: FormattedText {
    public static let formatName = "an IPv4 address"
    public let text: String

    public init(_ text: String) { self.text = text }

    public var isWellFormed: Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                let isPlain = part.utf8.allSatisfy { (0x30...0x39).contains($0) }
                return isPlain && UInt8(part).map { String($0) == part } == true
            }
    }
}

/// An address of IP version 6.
public struct IPv6Text: FormattedText {
    public static let formatName = "an IPv6 address"
    public let text: String

    public init(_ text: String) { self.text = text }

    public var isWellFormed: Bool {
        var groups = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard groups.count >= 3 else { return false }
        var nGroups = 8
        if let last = groups.last, last.contains(".") {
            guard IPv4Text(last).isWellFormed else { return false }
            groups.removeLast()
            nGroups = 6
        }
        let isShort = text.contains("::")
        if isShort {
            guard text.ranges(of: "::").count == 1, !text.contains(":::") else { return false }
        } else if groups.contains("") {
            return false
        }
        if text.hasPrefix(":") && !text.hasPrefix("::") { return false }
        if text.hasSuffix(":") && !text.hasSuffix("::") { return false }
        let filled = groups.filter { !$0.isEmpty }
        let areHexadecimal = filled.allSatisfy { $0.utf8.count <= 4 && UInt16($0, radix: 16) != nil && $0.first != "+" }
        return areHexadecimal && (isShort ? filled.count < nGroups : filled.count == nGroups)
    }
}

/// A secret: descriptions do not show it.
public struct PasswordText: FormattedText, CustomDebugStringConvertible {
    public static let formatName = "a password"
    public let text: String

    public init(_ text: String) { self.text = text }

    public var description: String { "********" }
    public var debugDescription: String { description }
    public var isWellFormed: Bool { true }
}

private func triple(_ fields: [Int]) -> (Int, Int, Int)? {
    fields.count == 3 ? (fields[0], fields[1], fields[2]) : nil
}

extension String {
    /// The numbers of a text that looks like the pattern, in which `d` is a digit.
    fileprivate func fields(_ pattern: String) -> [Int]? {
        guard utf8.count == pattern.utf8.count else { return nil }
        var fields = [0]
        for (byte, wanted) in zip(utf8, pattern.utf8) {
            if wanted != 0x64 {
                guard byte == wanted else { return nil }
                fields.append(0)
            } else {
                guard (0x30...0x39).contains(byte) else { return nil }
                fields[fields.count - 1] = fields[fields.count - 1] * 10 + Int(byte - 0x30)
            }
        }
        return fields
    }

    fileprivate func prefixBytes(_ count: Int) -> String? {
        guard utf8.count >= count else { return nil }
        return String(utf8.prefix(count))
    }
}

/// The formats by their names in contracts; one that is not known always holds.
enum TextFormats {
    static func isValid(_ name: String, _ text: String) -> Bool {
        switch name {
        case "date-time": DateTimeText(text).isWellFormed
        case "date": DateText(text).isWellFormed
        case "time": TimeText(text).isWellFormed
        case "duration": DurationText(text).isWellFormed
        case "uuid": UUIDText(text).isWellFormed
        case "uri", "iri": URIText(text).isWellFormed
        case "uri-reference", "iri-reference": URIReferenceText(text).isWellFormed
        case "byte": Base64Text(text).isWellFormed
        case "email", "idn-email": EmailText(text).isWellFormed
        case "hostname", "idn-hostname": HostnameText(text).isWellFormed
        case "ipv4": IPv4Text(text).isWellFormed
        case "ipv6": IPv6Text(text).isWellFormed
        case "decimal": DecimalText(text).isWellFormed
        case "regex": JSONPattern.isExpression(text)
        default: true
        }
    }
}
